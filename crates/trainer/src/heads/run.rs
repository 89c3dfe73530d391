//! The training of one bank of heads, epoch by epoch.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use burn::{
    module::Module,
    optim::{AdamWConfig, GradientsParams, ModuleOptimizer},
    tensor::Device,
};
use indicatif::ProgressBar;

use crate::{
    HeadBank, HeadShape, HeadWeights, Recipe, Standardisation, TrainingCells, TrainingError,
    heads::{
        batches::Batches,
        checkpoint::{Checkpoint, Progress, optimizer_bytes, with_bytes},
        losses::{LossError, LossOptions},
        recipe::Schedule,
    },
    random,
};
use bundle::sha256_hex;

/// Share of the steps over which the learning rate rises.
const WARM_UP: f64 = 0.05;

/// What is lost at most when a training is interrupted, but for the epoch that it is in.
const BETWEEN_CHECKPOINTS: Duration = Duration::from_mins(2);

/// One bank of heads in training.
pub(crate) struct Run<'a> {
    recipe: &'a Recipe,
    shape: HeadShape,
    options: LossOptions<'a>,
    batches: Batches<'a>,
    validated: bool,
    heads: HeadBank,
    optimizer: ModuleOptimizer,
    progress: Progress,
    best: Option<HeadWeights>,
}

impl<'a> Run<'a> {
    /// Before the first epoch. Everything random comes from `seed` and `purpose`.
    pub(crate) fn new(
        cells: &'a TrainingCells<'a>,
        recipe: &'a Recipe,
        standardisation: Option<&'a Standardisation>,
        seed: u64,
        purpose: &str,
    ) -> Self {
        let shape = recipe.shape(cells.dimension(), cells.class_count());
        let mut initial = random::stream(seed, &format!("{purpose}/initial weights"));
        let weights = HeadWeights::random(shape.clone(), &cells.class_bias(), &mut initial);
        let batches = Batches::new(cells, recipe, standardisation, seed, purpose);
        let progress = Progress {
            training: digest(cells, recipe, seed, purpose),
            epoch: 0,
            streams: batches.positions(),
            best_loss: None,
            since_best: 0,
            finished: false,
        };
        Self {
            recipe,
            shape,
            options: recipe.loss_options(cells.abnormal),
            batches,
            validated: recipe.patience.is_some() && !cells.validation.is_empty(),
            heads: bank(&weights),
            optimizer: optimizer(recipe),
            progress,
            best: None,
        }
    }

    /// Trains to the end, from the checkpoint where there is one for this training, and returns the heads.
    ///
    /// # Errors
    /// When the loss stops being finite, or a checkpoint cannot be read or written.
    pub(crate) fn complete(
        mut self,
        checkpoint: Option<&Path>,
        bar: &ProgressBar,
    ) -> Result<HeadWeights, TrainingError> {
        if let Some(path) = checkpoint {
            self.resume(path)?;
        }
        bar.inc((self.progress.epoch * self.batches.steps()) as u64);
        let mut written = Instant::now();
        while !self.progress.finished {
            self.epoch(bar)?;
            let due = self.progress.finished || written.elapsed() >= BETWEEN_CHECKPOINTS;
            if let Some(path) = checkpoint.filter(|_| due) {
                self.save(path)?;
                written = Instant::now();
            }
        }
        let left = self.recipe.epochs.saturating_sub(self.progress.epoch);
        bar.inc((left * self.batches.steps()) as u64);
        Ok(self.heads.weights(&self.shape))
    }

    fn epoch(&mut self, bar: &ProgressBar) -> Result<(), TrainingError> {
        let (epoch, steps) = (self.progress.epoch, self.batches.steps());
        let all_steps = self.recipe.epochs * steps;
        for (step, positions) in self
            .batches
            .shuffled()
            .chunks(self.recipe.batch)
            .enumerate()
        {
            let rate = learning_rate(self.recipe, epoch * steps + step, all_steps);
            self.step(positions, rate).map_err(diverged)?;
            bar.inc(1);
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

    fn step(&mut self, positions: &[usize], rate: f64) -> Result<(), LossError> {
        let batch = self.batches.training(positions, self.progress.epoch)?;
        let logits = batch.logits(&self.heads);
        let loss = self.recipe.loss.of(logits, &batch.targets, &self.options)?;
        let gradients = GradientsParams::from_grads(loss.backward(), &self.heads);
        self.heads = self.optimizer.step(rate, self.heads.clone(), gradients);
        Ok(())
    }

    /// The recipe's loss, batch by batch, averaged over the validation cells.
    fn validation_loss(&self) -> Result<f64, LossError> {
        let heads = self.heads.valid();
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
            self.best = Some(self.heads.weights(&self.shape));
        } else {
            self.progress.since_best += 1;
        }
    }

    fn finish(&mut self) {
        self.progress.finished = true;
        if let Some(best) = self.best.take() {
            self.heads = bank(&best);
        }
    }

    fn save(&self, path: &Path) -> Result<(), TrainingError> {
        let optimizer = if self.progress.finished {
            Vec::new()
        } else {
            optimizer_bytes(&self.optimizer)?
        };
        let checkpoint = Checkpoint {
            progress: self.progress.clone(),
            weights: self.heads.weights(&self.shape),
            best: self.best.clone(),
            optimizer,
        };
        checkpoint.write(path)
    }

    fn resume(&mut self, path: &Path) -> Result<(), TrainingError> {
        let found = Checkpoint::read(path, &self.progress.training, &self.shape)?;
        let Some(checkpoint) = found else {
            return Ok(());
        };
        self.heads = bank(&checkpoint.weights);
        self.best = checkpoint.best;
        self.progress = checkpoint.progress;
        self.batches.go_to(self.progress.streams);
        if !self.progress.finished {
            self.optimizer = with_bytes(optimizer(self.recipe), checkpoint.optimizer)?;
        }
        Ok(())
    }
}

pub(crate) fn diverged(error: LossError) -> TrainingError {
    TrainingError::Impossible(format!("the heads cannot be trained: {error}"))
}

fn bank(weights: &HeadWeights) -> HeadBank {
    HeadBank::new(weights, &Device::flex().autodiff()).numbered()
}

fn optimizer(recipe: &Recipe) -> ModuleOptimizer {
    let [beta_1, beta_2] = recipe.betas;
    let config = AdamWConfig::new()
        .with_beta_1(beta_1)
        .with_beta_2(beta_2)
        .with_epsilon(1e-8)
        .with_weight_decay(recipe.weight_decay as f32);
    config.init()
}

fn learning_rate(recipe: &Recipe, step: usize, steps: usize) -> f64 {
    if recipe.schedule == Schedule::Constant {
        return recipe.learning_rate;
    }
    let done = (step + 1) as f64 / steps.max(1) as f64;
    if done < WARM_UP {
        return recipe.learning_rate * done / WARM_UP;
    }
    let angle = std::f64::consts::PI * (done - WARM_UP) / (1.0 - WARM_UP);
    recipe.learning_rate * (0.01 + 0.99 * 0.5 * (1.0 + angle.cos()))
}

/// Of everything that a training depends on, but for the features themselves.
fn digest(cells: &TrainingCells<'_>, recipe: &Recipe, seed: u64, purpose: &str) -> String {
    let (views, dimension) = (cells.views.len(), cells.dimension());
    let TrainingCells {
        rows,
        validation,
        classes,
        abnormal,
        ..
    } = cells;
    let depends_on = format!(
        "{recipe:?}|{seed}|{purpose}|{views}|{dimension}|{rows:?}|{validation:?}|{classes:?}|{abnormal:?}"
    );
    sha256_hex(depends_on.as_bytes())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{FeatureMatrix, MultiHeadLoss};
    use bundle::Method;

    const CELLS: usize = 60;

    /// Three features per cell that say nothing of its class.
    fn noise() -> (Vec<FeatureMatrix>, Vec<usize>) {
        let view = FeatureMatrix {
            dimension: 3,
            values: random::uniform(&mut random::stream(1, "noise"), CELLS * 3, 1.0),
        };
        let classes = (0..CELLS).map(|cell| cell % 2).collect();
        (vec![view], classes)
    }

    fn with_cells<R>(work: impl FnOnce(&TrainingCells<'_>) -> R) -> R {
        let (views, classes) = noise();
        let all: Vec<usize> = (0..CELLS).collect();
        let (rows, validation) = all.split_at(40);
        work(&TrainingCells {
            views: &views,
            rows,
            validation,
            classes: &classes,
            abnormal: &[false, true],
        })
    }

    fn recipe(method: Method) -> Recipe {
        Recipe {
            members: 3,
            hidden: vec![16, 8],
            learning_rate: 1e-2,
            batch: 16,
            epochs: 40,
            ..Recipe::paper(method, MultiHeadLoss::MetaCombined)
        }
    }

    #[test]
    fn an_interrupted_training_ends_in_the_same_bits() {
        let folder = tempfile::tempdir().unwrap();
        let (path, hidden) = (folder.path().join("checkpoint"), ProgressBar::hidden());
        let patient = Recipe {
            patience: Some(1000),
            bootstrap: true,
            ..recipe(Method::Ensemble)
        };
        with_cells(|cells| {
            let run = || Run::new(cells, &patient, None, 1, "test");
            let uninterrupted = run().complete(None, &hidden).unwrap();
            let mut interrupted = run();
            for _ in 0..7 {
                interrupted.epoch(&hidden).unwrap();
            }
            interrupted.save(&path).unwrap();
            let mut resumed = run();
            resumed.resume(&path).unwrap();
            assert_eq!(resumed.progress, interrupted.progress);
            assert_eq!(
                resumed.complete(Some(&path), &hidden).unwrap(),
                uninterrupted
            );
            let finished = run().complete(Some(&path), &hidden).unwrap();
            assert_eq!(finished, uninterrupted, "the finished heads were kept");
        });
    }

    #[test]
    fn a_checkpoint_that_is_damaged_or_of_another_training_is_not_gone_on_from() {
        let folder = tempfile::tempdir().unwrap();
        let (path, hidden) = (folder.path().join("checkpoint"), ProgressBar::hidden());
        let recipe = recipe(Method::Ensemble);
        with_cells(|cells| {
            let epoch_after_resuming = |seed| {
                let mut run = Run::new(cells, &recipe, None, seed, "test");
                run.resume(&path).unwrap();
                run.progress.epoch
            };
            let mut run = Run::new(cells, &recipe, None, 1, "test");
            run.epoch(&hidden).unwrap();
            run.save(&path).unwrap();
            assert_eq!((epoch_after_resuming(1), epoch_after_resuming(2)), (1, 0));
            let mut bytes = std::fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(epoch_after_resuming(1), 0);
            std::fs::write(&path, b"short").unwrap();
            assert_eq!(epoch_after_resuming(1), 0);
        });
    }

    #[test]
    fn training_stops_when_validation_does_not_improve_and_returns_to_the_best_epoch() {
        let hidden = ProgressBar::hidden();
        let impatient = Recipe {
            patience: Some(4),
            ..recipe(Method::Ensemble)
        };
        with_cells(|cells| {
            let mut run = Run::new(cells, &impatient, None, 1, "test");
            let mut losses = Vec::new();
            while !run.progress.finished {
                run.epoch(&hidden).unwrap();
                losses.push(run.validation_loss().unwrap());
            }
            assert!(losses.len() < impatient.epochs, "{losses:?}");
            let at_end = losses.pop().unwrap();
            let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
            assert_eq!(at_end, best, "the last epoch's heads are those of the best");
            let of_best = losses.iter().position(|loss| *loss == best).unwrap();
            assert_eq!(losses.len() - of_best, 4);
        });
    }
}
