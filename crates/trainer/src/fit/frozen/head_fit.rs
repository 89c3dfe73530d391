//! Trains one bank of heads, epoch by epoch.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use burn::{module::Module, optim::GradientsParams, tensor::Device};

use super::{batches::HeadBatches, cells::TrainingCells, recipe::Recipe};
use crate::{
    TrainingError,
    cache_key::{CacheKey, KeptStep},
    fit::shared::{
        FitContext,
        bank::{HeadBank, of_parameters, parameters},
        checkpoint::{self, FitProgress},
        class_bias, diverged,
        losses::{LossError, LossOptions},
        optimiser::{Learner, LearningGroup},
        weights::{HeadShape, HeadWeights, Standardisation},
    },
    random,
};

/// Longest time between checkpoints, apart from the epoch in progress.
const BETWEEN_CHECKPOINTS: Duration = Duration::from_mins(2);

/// One bank of heads in training.
pub(super) struct HeadFit<'a> {
    recipe: &'a Recipe,
    context: FitContext<'a>,
    shape: HeadShape,
    options: LossOptions<'a>,
    batches: HeadBatches<'a>,
    validated: bool,
    learner: Learner,
    progress: FitProgress,
    /// The weights with the lowest validation loss so far; empty before the first validation.
    best: Vec<Vec<f32>>,
}

impl<'a> HeadFit<'a> {
    /// The state before the first epoch.
    ///
    /// # Errors
    /// Only those of the functions that it calls.
    pub(super) fn new(
        cells: &'a TrainingCells<'a>,
        recipe: &'a Recipe,
        standardisation: Option<&'a Standardisation>,
        context: FitContext<'a>,
    ) -> Result<Self, TrainingError> {
        let shape = recipe.shape(cells.dimension(), cells.class_count());
        let classes = cells.rows.iter().map(|row| cells.classes[*row]);
        let bias = class_bias(classes, cells.class_count());
        let mut stream = context.stream("initial weights");
        // Uniform with He's variance, 2 / rows.
        let weights = HeadWeights::initial(shape.clone(), &bias, |count, rows, _| {
            random::uniform(&mut stream, count, (6.0 / rows as f32).sqrt())
        });
        let batches = HeadBatches::new(cells, recipe, standardisation, &context);
        let progress = FitProgress {
            streams: batches.positions(),
            ..FitProgress::new(digest(cells, recipe, &context)?)
        };
        Ok(Self {
            recipe,
            context,
            shape,
            options: recipe.loss_options(cells.abnormal),
            batches,
            validated: recipe.patience.is_some() && !cells.validation.is_empty(),
            learner: Learner::new(parameters(&weights)),
            progress,
            best: Vec::new(),
        })
    }

    /// Trains to the end, from the checkpoint if there is one for this training, and returns the
    /// heads.
    ///
    /// # Errors
    /// If the loss becomes infinite or NaN, or a checkpoint cannot be read or written.
    pub(super) fn complete(mut self) -> Result<HeadWeights, TrainingError> {
        let checkpoint = self.context.checkpoint;
        if let Some(path) = checkpoint {
            self.resume(path)?;
        }
        let bar = self.context.progress;
        bar.inc((self.progress.epoch * self.batches.steps()) as u64);
        let mut written = Instant::now();
        while !self.progress.finished {
            self.epoch()?;
            let due = self.progress.finished || written.elapsed() >= BETWEEN_CHECKPOINTS;
            if let Some(path) = checkpoint.filter(|_| due) {
                self.save(path)?;
                written = Instant::now();
            }
        }
        let left = self.recipe.epochs.saturating_sub(self.progress.epoch);
        bar.inc((left * self.batches.steps()) as u64);
        Ok(of_parameters(&self.shape, self.learner.values))
    }

    fn epoch(&mut self) -> Result<(), TrainingError> {
        for positions in self.batches.shuffled().chunks(self.recipe.batch) {
            self.step(positions).map_err(diverged)?;
            self.context.progress.inc(1);
        }
        self.progress.epoch += 1;
        self.progress.streams = self.batches.positions();
        if self.validated {
            let loss = self.validation_loss().map_err(diverged)?;
            self.judge(loss);
        }
        let patience = self.recipe.patience.unwrap_or(usize::MAX);
        let stopped = self.validated && self.progress.since_best >= patience;
        if stopped || self.progress.epoch >= self.recipe.epochs {
            self.finish();
        }
        Ok(())
    }

    fn step(&mut self, positions: &[usize]) -> Result<(), LossError> {
        let batch = self.batches.training(positions, self.progress.epoch)?;
        let heads = self.heads();
        let logits = batch.logits(&heads);
        let loss = self.recipe.loss.of(logits, &batch.targets, &self.options)?;
        let gradients = GradientsParams::from_grads(loss.backward(), &heads);
        let gradients = heads.gradients(&gradients);
        let settings = &self.recipe.optimiser;
        let group = LearningGroup {
            rate: settings.head_rate,
            weight_decay: settings.weight_decay,
        };
        let groups = vec![group; gradients.len()];
        let steps = self.recipe.epochs * self.batches.steps();
        let schedule = &self.recipe.schedule;
        self.learner
            .take_step(&gradients, &groups, settings, schedule, steps);
        Ok(())
    }

    fn heads(&self) -> HeadBank {
        let device = Device::flex().autodiff();
        HeadBank::of_parameters(&self.shape, self.learner.values.clone(), &device)
    }

    /// The recipe's loss over the validation cells, batch by batch, averaged.
    fn validation_loss(&self) -> Result<f64, LossError> {
        let heads = self.heads().valid();
        let (mut sum, mut cells) = (0.0, 0);
        for (count, batch) in self.batches.validation() {
            let batch = batch?;
            let loss = self
                .recipe
                .loss
                .of(batch.logits(&heads), &batch.targets, &self.options)?;
            let value = loss.into_data().iter::<f64>().next();
            sum += value.unwrap_or(f64::NAN) * count as f64;
            cells += count;
        }
        Ok(sum / cells as f64)
    }

    fn judge(&mut self, loss: f64) {
        if self.progress.best_loss.is_none_or(|best| loss < best) {
            self.progress.best_loss = Some(loss);
            self.progress.since_best = 0;
            self.best.clone_from(&self.learner.values);
        } else {
            self.progress.since_best += 1;
        }
    }

    fn finish(&mut self) {
        self.progress.finished = true;
        if !self.best.is_empty() {
            self.learner.values = std::mem::take(&mut self.best);
        }
    }

    fn save(&self, path: &Path) -> Result<(), TrainingError> {
        checkpoint::write(path, &self.progress, &self.learner, &self.best)
    }

    fn resume(&mut self, path: &Path) -> Result<(), TrainingError> {
        let found = checkpoint::read(path, &self.progress.fit, &mut self.learner)?;
        if let Some((progress, best)) = found {
            self.batches.go_to(progress.streams);
            (self.progress, self.best) = (progress, best);
        }
        Ok(())
    }
}

/// Digest of everything that a training depends on except the features' values.
fn digest(
    cells: &TrainingCells<'_>,
    recipe: &Recipe,
    context: &FitContext<'_>,
) -> Result<String, TrainingError> {
    CacheKey::of(&[KeptStep::Heads])
        .with("recipe", recipe)
        .with("seed", &context.seed)
        .with("purpose", context.purpose)
        .with("features", &[cells.views.len(), cells.dimension()])
        .with("rows", cells.rows)
        .with("validation", cells.validation)
        .with("classes", cells.classes)
        .with("abnormal", cells.abnormal)
        .digest()
}

#[cfg(test)]
mod tests;
