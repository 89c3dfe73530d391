#![allow(clippy::unwrap_used)]

use indicatif::ProgressBar;

use super::*;
use crate::{
    FeatureMatrix,
    fit::shared::{losses::MultiHeadLoss, optimiser::OptimiserSettings},
};
use bundle::Method;

const CELLS: usize = 60;

/// Three features per cell that are independent of its class.
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
    let paper = Recipe::paper(method, MultiHeadLoss::MetaIndividual);
    Recipe {
        members: 3,
        hidden: vec![16, 8],
        batch: 16,
        epochs: 40,
        optimiser: OptimiserSettings {
            head_rate: 1e-2,
            ..paper.optimiser
        },
        ..paper
    }
}

/// A fit with a seed; it has a checkpoint only if a path is given.
fn begun<'a>(
    cells: &'a TrainingCells<'a>,
    recipe: &'a Recipe,
    seed: u64,
    checkpoint: Option<&'a Path>,
    progress: &'a ProgressBar,
) -> HeadFit<'a> {
    let context = FitContext {
        seed,
        purpose: "test",
        checkpoint,
        progress,
    };
    HeadFit::new(cells, recipe, None, context).unwrap()
}

#[test]
fn resumed_training_gives_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let (path, hidden) = (folder.path().join("checkpoint"), ProgressBar::hidden());
    let patient = Recipe {
        patience: Some(1000),
        bootstrap: true,
        ..recipe(Method::Ensemble)
    };
    with_cells(|cells| {
        let run = |checkpoint| begun(cells, &patient, 1, checkpoint, &hidden);
        let uninterrupted = run(None).complete().unwrap();
        let mut interrupted = run(None);
        for _ in 0..7 {
            interrupted.epoch().unwrap();
        }
        interrupted.save(&path).unwrap();
        let mut resumed = run(Some(&path));
        resumed.resume(&path).unwrap();
        assert_eq!(resumed.progress, interrupted.progress);
        assert_eq!(resumed.complete().unwrap(), uninterrupted);
        let finished = run(Some(&path)).complete().unwrap();
        assert_eq!(finished, uninterrupted, "the finished heads were kept");
    });
}

#[test]
fn damaged_or_foreign_checkpoint_is_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let (path, hidden) = (folder.path().join("checkpoint"), ProgressBar::hidden());
    let recipe = recipe(Method::Ensemble);
    with_cells(|cells| {
        let epoch_after_resuming = |seed| {
            let mut run = begun(cells, &recipe, seed, None, &hidden);
            run.resume(&path).unwrap();
            run.progress.epoch
        };
        let mut run = begun(cells, &recipe, 1, None, &hidden);
        run.epoch().unwrap();
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
fn early_stopping_returns_best_epoch() {
    let hidden = ProgressBar::hidden();
    let impatient = Recipe {
        patience: Some(4),
        ..recipe(Method::Ensemble)
    };
    with_cells(|cells| {
        let mut run = begun(cells, &impatient, 1, None, &hidden);
        let mut losses = Vec::new();
        while !run.progress.finished {
            run.epoch().unwrap();
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
