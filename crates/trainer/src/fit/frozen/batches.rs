//! The input of each training step: cells in turn, dropout masks and targets.

use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;

use super::{
    cells::TrainingCells,
    recipe::{Copies, Recipe},
};
use crate::{
    fit::shared::{
        FitContext,
        bank::HeadBank,
        losses::{LossError, Targets, one_hot},
        weights::Standardisation,
    },
    random,
};

/// The input of one step.
pub(super) struct HeadBatch {
    seen: Seen,
    /// One mask per hidden layer, or none.
    masks: Vec<Tensor<3>>,
    /// Targets of the loss.
    pub targets: Targets,
}

enum Seen {
    /// `[N, D]`, for K heads.
    Once(Tensor<2>),
    /// `[P, N, D]`, for one head.
    Copies(Tensor<3>),
}

impl HeadBatch {
    /// Logits `[K, N, C]`; with copies instead of heads, `[P, N, C]`.
    pub(super) fn logits(&self, heads: &HeadBank) -> Tensor<3> {
        match &self.seen {
            Seen::Once(features) => heads.logits(features.clone(), &self.masks),
            Seen::Copies(copies) => heads.logits_of_copies(copies.clone(), &self.masks),
        }
    }
}

/// Draws batches and owns the random streams for it.
pub(super) struct HeadBatches<'a> {
    cells: &'a TrainingCells<'a>,
    recipe: &'a Recipe,
    standardisation: Option<&'a Standardisation>,
    /// How often each cell counts for each head, `[K][cells]`; empty without bootstrap.
    counts: Vec<Vec<f32>>,
    /// Offset of each cell in the cycle of its views.
    first_views: Vec<usize>,
    order: ChaCha8Rng,
    dropped: ChaCha8Rng,
    /// Drops the same features in every validation, so that epochs are comparable.
    dropped_in_validation: ChaCha8Rng,
    device: Device,
}

impl<'a> HeadBatches<'a> {
    pub(super) fn new(
        cells: &'a TrainingCells<'a>,
        recipe: &'a Recipe,
        standardisation: Option<&'a Standardisation>,
        context: &FitContext<'_>,
    ) -> Self {
        let stream = |of: &str| context.stream(of);
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
            dropped_in_validation: stream("validation dropout"),
            device: Device::flex(),
        }
    }

    /// Steps of an epoch.
    pub(super) fn steps(&self) -> usize {
        self.cells.rows.len().div_ceil(self.recipe.batch)
    }

    /// Positions of the random streams, for a checkpoint.
    pub(super) fn positions(&self) -> [u128; 2] {
        [self.order.get_word_pos(), self.dropped.get_word_pos()]
    }

    /// Resumes from [`Self::positions`].
    pub(super) fn go_to(&mut self, [order, dropped]: [u128; 2]) {
        self.order.set_word_pos(order);
        self.dropped.set_word_pos(dropped);
    }

    /// Positions in `cells.rows`, in the order of an epoch.
    pub(super) fn shuffled(&mut self) -> Vec<usize> {
        random::permutation(&mut self.order, self.cells.rows.len())
    }

    /// Some training cells, each in its next view. After as many epochs as views, each cell was
    /// seen in all of them.
    ///
    /// # Errors
    /// [`LossError::LabelOutOfRange`].
    pub(super) fn training(
        &mut self,
        positions: &[usize],
        epoch: usize,
    ) -> Result<HeadBatch, LossError> {
        let rows: Vec<usize> = positions.iter().map(|at| self.cells.rows[*at]).collect();
        let views = self.cells.views.len();
        let turns = positions
            .iter()
            .map(|at| (self.first_views[*at] + epoch) % views);
        let features = self.features(&rows, turns.collect());
        let mut dropped = self.dropped.clone();
        let seen = self.seen(features, rows.len(), &mut dropped);
        let masks = self.masks(rows.len(), &mut dropped);
        self.dropped = dropped;
        let resampled = self.counts.iter();
        let weights = resampled.flat_map(|counts| positions.iter().map(|at| counts[*at]));
        let targets = self.targets(&rows, weights.collect())?;
        Ok(HeadBatch {
            seen,
            masks,
            targets,
        })
    }

    /// The validation cells, batch by batch, as heads answer: features are dropped only where
    /// copies need it to differ.
    ///
    /// # Errors
    /// [`LossError::LabelOutOfRange`].
    pub(super) fn validation(&self) -> impl Iterator<Item = (usize, Result<HeadBatch, LossError>)> {
        let mut dropped = self.dropped_in_validation.clone();
        let chunks = self.cells.validation.chunks(self.recipe.batch);
        chunks.map(move |rows| {
            let features = self.features(rows, vec![0; rows.len()]);
            let seen = match self.recipe.copies {
                Copies::One => {
                    Seen::Once(self.tensor(features, [rows.len(), self.cells.dimension()]))
                }
                _ => self.seen(features, rows.len(), &mut dropped),
            };
            let batch = self.targets(rows, Vec::new()).map(|targets| HeadBatch {
                seen,
                masks: Vec::new(),
                targets,
            });
            (rows.len(), batch)
        })
    }

    /// P, the copies of each cell in a step.
    fn copies(&self) -> usize {
        match self.recipe.copies {
            Copies::One => 1,
            Copies::Dropped(copies) => copies,
            Copies::Views => self.cells.views.len(),
        }
    }

    /// Features of some rows: in the given view of each row, or in all views, one after the other.
    fn features(&self, rows: &[usize], turns: Vec<usize>) -> Vec<f32> {
        let views = self.cells.views;
        let mut values = Vec::new();
        let mut append = |view: usize, row: usize| match self.standardisation {
            Some(standardisation) => standardisation.append(views[view].row(row), &mut values),
            None => values.extend_from_slice(views[view].row(row)),
        };
        if self.recipe.copies == Copies::Views {
            (0..views.len()).for_each(|view| rows.iter().for_each(|row| append(view, *row)));
        } else {
            rows.iter()
                .zip(turns)
                .for_each(|(row, view)| append(view, *row));
        }
        values
    }

    /// Makes the copies and drops features of each copy separately.
    fn seen(&self, mut features: Vec<f32>, cells: usize, random: &mut ChaCha8Rng) -> Seen {
        let (copies, dimension) = (self.copies(), self.cells.dimension());
        if let Copies::Dropped(copies) = self.recipe.copies {
            features = features.repeat(copies);
        }
        if self.recipe.feature_dropout > 0.0 {
            let mask = dropout_mask(random, features.len(), self.recipe.feature_dropout);
            features
                .iter_mut()
                .zip(mask)
                .for_each(|(value, mask)| *value *= mask);
        }
        match self.recipe.copies {
            Copies::One => Seen::Once(self.tensor(features, [cells, dimension])),
            _ => Seen::Copies(self.tensor(features, [copies, cells, dimension])),
        }
    }

    fn masks(&self, cells: usize, random: &mut ChaCha8Rng) -> Vec<Tensor<3>> {
        if self.recipe.dropout == 0.0 {
            return Vec::new();
        }
        let heads = self.heads();
        let mask = |width: &usize| {
            let values = dropout_mask(random, heads * cells * width, self.recipe.dropout);
            self.tensor(values, [heads, cells, *width])
        };
        self.recipe.hidden.iter().map(mask).collect()
    }

    /// The number of heads in the loss.
    fn heads(&self) -> usize {
        self.recipe.members * self.copies()
    }

    /// Weights `[K · N]` of the cells; empty if all count the same.
    fn targets(&self, rows: &[usize], mut weights: Vec<f32>) -> Result<Targets, LossError> {
        let (cells, classes, heads) = (rows.len(), self.cells.class_count(), self.heads());
        let of_rows = rows.iter().map(|row| self.cells.classes[*row]);
        let one_hot = one_hot(of_rows, classes)?;
        if weights.is_empty() {
            weights = vec![1.0; heads * cells];
        } else {
            weights = weights.repeat(self.copies());
        }
        Ok(Targets {
            classes: self.tensor(one_hot, [1, cells, classes]),
            weights: self.tensor(weights, [heads, cells, 1]),
        })
    }

    fn tensor<const D: usize>(&self, values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values, shape), &self.device)
    }
}

/// Zeros, and 1 / (1 − p) where nothing is dropped.
fn dropout_mask(random: &mut ChaCha8Rng, count: usize, probability: f64) -> Vec<f32> {
    let drop = probability as f32;
    random::dropout_mask(random, count, drop, 1.0 / (1.0 - drop))
}
