//! Training heads on cached features.

use burn::{
    optim::{AdamWConfig, GradientsParams, ModuleOptimizer},
    tensor::{Device, Tensor, TensorData},
};
use indicatif::ProgressBar;
use rand_chacha::ChaCha8Rng;

use crate::training::{
    FeatureMatrix, HeadBank, HeadWeights, Recipe, Standardisation,
    heads::losses::{Targets, loss},
    random,
};

/// The cells to learn from.
pub struct TrainingCells<'a> {
    /// Features of all cells, one matrix per view.
    pub views: &'a [FeatureMatrix],
    /// Rows of those matrices to learn from.
    pub rows: &'a [usize],
    /// The class of every row of the matrices.
    pub classes: &'a [usize],
    /// C, the number of classes.
    pub class_count: usize,
}

/// Share of the steps over which the learning rate rises.
const WARM_UP: f64 = 0.05;

/// Trains K heads side by side and returns them for raw (not standardised) features.
///
/// Everything random comes from `seed` and `purpose`: the same cells, recipe, seed and machine give the same bits.
pub fn fit(
    cells: &TrainingCells<'_>,
    recipe: &Recipe,
    seed: u64,
    purpose: &str,
    progress: &ProgressBar,
) -> HeadWeights {
    let device = Device::flex().autodiff();
    let standardisation = Standardisation::measure(cells.views, cells.rows);
    let dimension = cells.views.first().map_or(0, |view| view.dimension);
    let shape = recipe.shape(dimension, cells.class_count);
    let mut initial = random::stream(seed, &format!("{purpose}/initial weights"));
    let weights = HeadWeights::random(shape.clone(), &class_bias(cells), &mut initial);
    let mut batches = Batches::new(
        cells,
        recipe,
        &standardisation,
        seed,
        purpose,
        device.clone(),
    );
    let mut heads = HeadBank::new(&weights, &device);
    let mut optimizer = optimizer(recipe);
    let steps = recipe.epochs * cells.rows.len().div_ceil(recipe.batch);
    progress.inc_length(steps as u64);
    let mut step = 0;
    for epoch in 0..recipe.epochs {
        for rows in batches.shuffled().chunks(recipe.batch) {
            let batch = batches.batch(rows, epoch);
            let logits = heads.logits(batch.features, &batch.masks);
            let gradients =
                GradientsParams::from_grads(loss(logits, &batch.targets).backward(), &heads);
            heads = optimizer.step(learning_rate(recipe, step, steps), heads, gradients);
            step += 1;
            progress.inc(1);
        }
    }
    heads.weights(&shape).absorb(&standardisation)
}

fn optimizer(recipe: &Recipe) -> ModuleOptimizer {
    let config = AdamWConfig::new()
        .with_epsilon(1e-8)
        .with_weight_decay(recipe.weight_decay as f32);
    config.init()
}

fn learning_rate(recipe: &Recipe, step: usize, steps: usize) -> f64 {
    let done = (step + 1) as f64 / steps.max(1) as f64;
    if done < WARM_UP {
        return recipe.learning_rate * done / WARM_UP;
    }
    let angle = std::f64::consts::PI * (done - WARM_UP) / (1.0 - WARM_UP);
    recipe.learning_rate * (0.01 + 0.99 * 0.5 * (1.0 + angle.cos()))
}

/// The logarithms of the classes' shares: the heads start from knowing how common each class is.
fn class_bias(cells: &TrainingCells<'_>) -> Vec<f32> {
    let mut counts = vec![1.0; cells.class_count];
    for row in cells.rows {
        counts[cells.classes[*row]] += 1.0;
    }
    let total: f32 = counts.iter().sum();
    counts.iter().map(|count| (count / total).ln()).collect()
}

/// What one step sees.
struct Batch {
    features: Tensor<2>,
    masks: Vec<Tensor<3>>,
    targets: Targets,
}

/// Draws batches; owns the streams of random numbers that decide about them.
struct Batches<'a> {
    cells: &'a TrainingCells<'a>,
    recipe: &'a Recipe,
    standardisation: &'a Standardisation,
    /// How often each cell counts for each head, `[K][cells]`; empty without bootstrap.
    counts: Vec<Vec<f32>>,
    /// Offset of each cell in the turn of its views.
    first_views: Vec<usize>,
    order: ChaCha8Rng,
    dropped: ChaCha8Rng,
    device: Device,
}

impl<'a> Batches<'a> {
    fn new(
        cells: &'a TrainingCells<'a>,
        recipe: &'a Recipe,
        standardisation: &'a Standardisation,
        seed: u64,
        purpose: &str,
        device: Device,
    ) -> Self {
        let stream = |of: &str| random::stream(seed, &format!("{purpose}/{of}"));
        let count = cells.rows.len();
        let members = if recipe.bootstrap { recipe.members } else { 0 };
        let mut resampling = stream("bootstrap");
        let mut views = stream("views");
        Self {
            cells,
            recipe,
            standardisation,
            counts: (0..members)
                .map(|_| random::bootstrap_counts(&mut resampling, count))
                .collect(),
            first_views: (0..count)
                .map(|_| random::below(&mut views, cells.views.len()))
                .collect(),
            order: stream("order"),
            dropped: stream("dropout"),
            device,
        }
    }

    /// Positions in `cells.rows`, in the order of an epoch.
    fn shuffled(&mut self) -> Vec<usize> {
        random::permutation(&mut self.order, self.cells.rows.len())
    }

    fn batch(&mut self, positions: &[usize], epoch: usize) -> Batch {
        Batch {
            features: self.features(positions, epoch),
            masks: self.masks(positions.len()),
            targets: self.targets(positions),
        }
    }

    /// Each cell in the view whose turn it is: after as many epochs as views it was seen in all of them.
    fn features(&self, positions: &[usize], epoch: usize) -> Tensor<2> {
        let views = self.cells.views;
        let dimension = views[0].dimension;
        let mut values = Vec::with_capacity(positions.len() * dimension);
        for position in positions {
            let view = &views[(self.first_views[*position] + epoch) % views.len()];
            self.standardisation
                .append(view.row(self.cells.rows[*position]), &mut values);
        }
        self.tensor(values, [positions.len(), dimension])
    }

    fn masks(&mut self, cells: usize) -> Vec<Tensor<3>> {
        if self.recipe.dropout == 0.0 {
            return Vec::new();
        }
        let (drop, members) = (self.recipe.dropout as f32, self.recipe.members);
        let kept = 1.0 / (1.0 - drop);
        let mut masks = Vec::new();
        for width in &self.recipe.hidden {
            let values =
                random::dropout_mask(&mut self.dropped, members * cells * width, drop, kept);
            masks.push(self.tensor(values, [members, cells, *width]));
        }
        masks
    }

    fn targets(&self, positions: &[usize]) -> Targets {
        let (cells, classes, members) =
            (positions.len(), self.cells.class_count, self.recipe.members);
        let mut one_hot = vec![0.0; cells * classes];
        for (row, position) in positions.iter().enumerate() {
            one_hot[row * classes + self.cells.classes[self.cells.rows[*position]]] = 1.0;
        }
        let resampled: Vec<f32> = self
            .counts
            .iter()
            .flat_map(|counts| positions.iter().map(|at| counts[*at]))
            .collect();
        let weights = if resampled.is_empty() {
            vec![1.0; members * cells]
        } else {
            resampled
        };
        Targets {
            classes: self.tensor(one_hot, [1, cells, classes]),
            weights: self.tensor(weights, [members, cells, 1]),
        }
    }

    fn tensor<const D: usize>(&self, values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values, shape), &self.device)
    }
}
