//! Trunk and heads as one list of parameters, and the gradient of a batch.

use std::{collections::BTreeMap, ops::Range};

use burn::{
    module::Module,
    optim::GradientsParams,
    tensor::{Device, Tensor, TensorData},
};

use super::{
    batches::MapBatch,
    heads::{TunedCells, feature_masks, head_gradients},
    lite0::{BLOCKS, FEATURES, Lite0Tail, shards},
    loss::Objective,
    recipe::FineTuneRecipe,
};
use crate::{
    TrainingError,
    fit::shared::{
        FitContext,
        optimiser::{LearningGroup, OptimiserSettings},
        weights::{HeadShape, HeadWeights, LayerWeights},
    },
    parallel, random,
};
use bundle::Method;

/// The shape of the trained model. Its numbers are a separate list of parameters: the trunk's
/// first, then each method's layers, weights before biases.
pub(super) struct TunedModel<'a> {
    /// The trained blocks, with their initial weights.
    pub tail: Lite0Tail,
    /// The shapes of the heads.
    pub heads: BTreeMap<Method, HeadShape>,
    /// The loss.
    pub objective: Objective,
    /// The class of every cell.
    pub classes: &'a [usize],
    /// How often each cell counts for each head of the ensemble, `[K][cells]`; empty without
    /// bootstrap.
    pub counts: Vec<Vec<f32>>,
    /// The settings.
    pub recipe: &'a FineTuneRecipe,
    /// Seed and name of the fit.
    pub context: FitContext<'a>,
}

impl TunedModel<'_> {
    /// The parameters before the first step.
    pub(super) fn first_values(&self, heads: &BTreeMap<Method, HeadWeights>) -> Vec<Vec<f32>> {
        let heads = heads.values().flat_map(parameters).map(<[f32]>::to_vec);
        self.tail.values().into_iter().chain(heads).collect()
    }

    /// The settings of each parameter, in the order of the parameters.
    pub(super) fn groups(&self, settings: &OptimiserSettings) -> Vec<LearningGroup> {
        let group = |rate, is_matrix| LearningGroup {
            rate,
            weight_decay: match is_matrix {
                true => settings.weight_decay,
                false => 0.0,
            },
        };
        // Kernels and matrices come before their biases.
        let pair = |rate| [group(rate, true), group(rate, false)];
        let of_trunk = vec![pair(settings.trunk_rate); self.tail.values().len() / 2];
        let layers = self.heads.values().flat_map(HeadShape::layers);
        let of_heads = layers.map(|_| pair(settings.head_rate));
        of_trunk.into_iter().chain(of_heads).flatten().collect()
    }

    /// The trained blocks and the heads with some parameter values.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] if the number of values does not fit.
    pub(super) fn with_values(
        &self,
        values: &[Vec<f32>],
    ) -> Result<(Lite0Tail, BTreeMap<Method, HeadWeights>), TrainingError> {
        let of_trunk = self.tail.values().len().min(values.len());
        let (trunk, mut rest) = values.split_at(of_trunk);
        let mut heads = BTreeMap::new();
        for (method, shape) in &self.heads {
            let count = (2 * shape.layers().len()).min(rest.len());
            let (own, others) = rest.split_at(count);
            heads.insert(*method, head_weights(shape, own));
            rest = others;
        }
        Ok((self.tail.clone().with_values(trunk.to_vec())?, heads))
    }

    /// The loss of a batch and its gradient with respect to each parameter.
    ///
    /// # Errors
    /// As [`Self::with_values`].
    pub(super) fn gradient(
        &self,
        values: &[Vec<f32>],
        batch: &MapBatch,
    ) -> Result<(f32, Vec<Vec<f32>>), TrainingError> {
        let (tail, heads) = self.with_values(values)?;
        let pass = TrunkPass::forward(&tail, batch, &self.kept(batch))?;
        let classes: Vec<usize> = batch.cells.iter().map(|cell| self.classes[*cell]).collect();
        let head_batch = TunedCells {
            features: pass.features(),
            classes: &classes,
            taught: &batch.taught,
            counts: self.counts(&batch.cells),
            masks: feature_masks(
                &self.recipe.heads,
                &self.heads,
                classes.len(),
                &self.context,
                &place(batch, "dropout"),
            ),
        };
        let of_heads = head_gradients(&self.recipe.heads, &heads, &self.objective, head_batch)?;
        let of_trunk = pass.backward(&of_heads.features)?;
        let heads = of_heads.heads.values().flat_map(parameters);
        let heads = heads.map(<[f32]>::to_vec);
        Ok((of_heads.loss, of_trunk.into_iter().chain(heads).collect()))
    }

    /// Stochastic depth: a multiplier per cell for each block that adds its input.
    fn kept(&self, batch: &MapBatch) -> Vec<Vec<f32>> {
        let mut stream = self.context.stream(&place(batch, "depth"));
        let multipliers = |block: usize| {
            let skipped = self.recipe.stochastic_depth * block as f64 / BLOCKS as f64;
            let kept = (1.0 / (1.0 - skipped)) as f32;
            random::dropout_mask(&mut stream, batch.cells.len(), skipped as f32, kept)
        };
        let blocks = self.tail.residual_blocks();
        blocks.into_iter().map(multipliers).collect()
    }

    /// `[K, N]`
    fn counts(&self, cells: &[usize]) -> Vec<f32> {
        if self.counts.is_empty() {
            return vec![1.0; self.recipe.heads.members * cells.len()];
        }
        let of_head =
            |counts: &'_ Vec<f32>| -> Vec<f32> { cells.iter().map(|cell| counts[*cell]).collect() };
        self.counts.iter().flat_map(of_head).collect()
    }
}

/// The name of a random stream of one batch.
fn place(batch: &MapBatch, what: &str) -> String {
    format!("{what}/{}/{}", batch.epoch, batch.index)
}

fn parameters(weights: &HeadWeights) -> impl Iterator<Item = &[f32]> {
    let layers = weights.layers.iter();
    layers.flat_map(|layer| [layer.weight.as_slice(), layer.bias.as_slice()])
}

fn head_weights(shape: &HeadShape, values: &[Vec<f32>]) -> HeadWeights {
    let layer = |pair: &[Vec<f32>; 2]| LayerWeights {
        weight: pair[0].clone(),
        bias: pair[1].clone(),
    };
    HeadWeights {
        shape: shape.clone(),
        layers: values.as_chunks::<2>().0.iter().map(layer).collect(),
    }
}

/// A shard after the forward pass: its images, a trunk with its own computation graph, and the
/// features `[n, 1280]`.
struct Shard {
    images: Range<usize>,
    tail: Lite0Tail,
    features: Tensor<2>,
}

/// A batch after the trained blocks, waiting for the gradient of its features. The shards depend on
/// the batch alone: the order of sums affects the last bits of a gradient, and must not depend on
/// the number of threads.
struct TrunkPass(Vec<Shard>);

impl TrunkPass {
    /// Runs the blocks on a batch. `kept` holds a multiplier per image for each residual block.
    ///
    /// # Errors
    /// Only those of the functions that it calls.
    fn forward(
        tail: &Lite0Tail,
        batch: &MapBatch,
        kept: &[Vec<f32>],
    ) -> Result<Self, TrainingError> {
        let device = Device::flex().autodiff();
        let [images, channels, height, width] = batch.shape;
        let per_image = channels * height * width;
        let run = |range: &Range<usize>| {
            let tail = tail.clone().fork(&device);
            let count = range.len();
            let maps = batch.maps[range.start * per_image..range.end * per_image].to_vec();
            let maps = TensorData::new(maps, [count, channels, height, width]);
            let multipliers = |of: &Vec<f32>| {
                let of = TensorData::new(of[range.clone()].to_vec(), [count, 1, 1, 1]);
                Tensor::from_data(of, &device)
            };
            let kept: Vec<Tensor<4>> = kept.iter().map(multipliers).collect();
            let features = tail.forward(Tensor::from_data(maps, &device), &kept);
            Ok(Shard {
                images: range.clone(),
                tail,
                features,
            })
        };
        parallel::map(&shards(images), run).map(Self)
    }

    /// `[N, 1280]`, row-major.
    fn features(&self) -> Vec<f32> {
        let of = |shard: &Shard| {
            let data = shard.features.clone().inner().into_data();
            data.iter::<f32>().collect::<Vec<f32>>()
        };
        self.0.iter().flat_map(of).collect()
    }

    /// From the gradient of the features, `[N, 1280]`, to the gradient of each parameter of the
    /// trunk.
    ///
    /// # Errors
    /// Only those of the functions that it calls.
    fn backward(self, by_features: &[f32]) -> Result<Vec<Vec<f32>>, TrainingError> {
        let device = Device::flex().autodiff();
        let run = |shard: &Shard| {
            let range = shard.images.start * FEATURES..shard.images.end * FEATURES;
            let upstream =
                TensorData::new(by_features[range].to_vec(), [shard.images.len(), FEATURES]);
            let upstream = Tensor::<2>::from_data(upstream, &device);
            let gradients = (shard.features.clone() * upstream).sum().backward();
            let gradients = GradientsParams::from_grads(gradients, &shard.tail);
            Ok(shard.tail.gradient_values(&gradients))
        };
        let parts = parallel::map(&self.0, run)?;
        Ok(parts.into_iter().reduce(added).unwrap_or_default())
    }
}

fn added(mut sum: Vec<Vec<f32>>, part: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    for (sum, part) in sum.iter_mut().zip(&part) {
        for (sum, value) in sum.iter_mut().zip(part) {
            *sum += value;
        }
    }
    sum
}
