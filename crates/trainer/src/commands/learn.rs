//! `train` and `finetune`.

use indicatif::ProgressBar;

use crate::{
    RecipeArgs, Study, StudyOptions, TrainingError,
    cli::{CalibrationArgs, FinetuneArgs, HeadArgs},
    dataset::part::HeldOutFolds,
    models::{Training, fine_tuned::FineTuning, frozen::FrozenTraining},
    progress,
};
use bundle::Method;
use engine::Runtime;

/// [`seen_cells`], and the runtime, which a process can load once.
///
/// # Errors
/// See [`seen_cells`]; a runtime that cannot be loaded.
pub(super) fn open_study(
    args: &HeadArgs,
    calibration: CalibrationArgs,
) -> Result<(Study, Runtime), TrainingError> {
    Ok((seen_cells(args, calibration)?, Runtime::load(None)?))
}

/// The cells that `crop` and `split` wrote, seen at the size that the training wants.
///
/// # Errors
/// [`TrainingError::Missing`] before those steps.
pub(super) fn seen_cells(
    args: &HeadArgs,
    calibration: CalibrationArgs,
) -> Result<Study, TrainingError> {
    let recipe = args.tuning.recipe(&args.recipe, args.size)?;
    Study::open(&StudyOptions {
        work: &args.work.work,
        trunk: &args.trunk,
        size: recipe.map_or(args.size, |recipe| Some(recipe.size)),
        classes: args.num_classes,
        calibration_folds: calibration.calibration_folds,
        seed: args.work.seed,
    })
}

/// The way of training that the options ask for.
///
/// # Errors
/// A recipe file that cannot be read.
pub(super) fn training<'a>(
    study: &'a Study,
    args: &HeadArgs,
) -> Result<Training<'a>, TrainingError> {
    Ok(match args.tuning.recipe(&args.recipe, args.size)? {
        Some(recipe) => Training::FineTuned(FineTuning::new(study, recipe)),
        None => Training::Frozen(FrozenTraining::new(study, args.recipe)),
    })
}

/// Trains everything that a training has, with each of `held_out` held out in turn; heads on a trunk that stays as it is
/// are always trained for [all of them](Study::held_out).
///
/// # Errors
/// What reading or training says.
pub(super) fn learn(
    study: &Study,
    runtime: &Runtime,
    training: &Training<'_>,
    recipe: &RecipeArgs,
    held_out: &[HeldOutFolds],
) -> Result<(), TrainingError> {
    match training {
        Training::Frozen(_) => {
            for method in recipe.methods() {
                train(study, runtime, recipe, *method)?;
            }
        }
        Training::FineTuned(training) => {
            for folds in held_out {
                let bar = progress::bar("fine-tuning");
                let losses = training.train(runtime, folds, &bar)?;
                bar.finish_and_clear();
                println!("finetune: {folds} held out, mean loss of each epoch {losses:.3?}");
            }
        }
    }
    Ok(())
}

/// `finetune`
///
/// # Errors
/// A fold that `split` did not make; what reading or training says.
pub(super) fn finetune(args: &FinetuneArgs) -> Result<(), TrainingError> {
    let (study, runtime) = open_study(&args.heads, args.calibration)?;
    let training = training(&study, &args.heads)?;
    if let Training::Frozen(_) = training {
        return Err(TrainingError::Impossible(
            "finetune trains the trunk, too: leave out --frozen-trunk and --preset paper"
                .to_owned(),
        ));
    }
    let held_out = match (args.bundle_only, args.fold.is_empty()) {
        (true, _) => vec![study.calibration.clone()],
        (false, true) => study.held_out(),
        (false, false) => named_folds(&study, &args.fold)?,
    };
    learn(&study, &runtime, &training, &args.heads.recipe, &held_out)
}

/// Folds by their numbers, each held out alone.
///
/// # Errors
/// [`TrainingError::Impossible`] for one that `split` did not make.
pub(super) fn named_folds(
    study: &Study,
    numbers: &[usize],
) -> Result<Vec<HeldOutFolds>, TrainingError> {
    let every = study.folds();
    match numbers.iter().find(|fold| !every.contains(fold)) {
        None => Ok(numbers.iter().copied().map(HeldOutFolds::one).collect()),
        Some(unknown) => Err(TrainingError::Impossible(format!(
            "fold {unknown} holds no cells: give one that `split` made"
        ))),
    }
}

/// `train`
///
/// # Errors
/// What reading or training says.
pub(super) fn train(
    study: &Study,
    runtime: &Runtime,
    recipe: &RecipeArgs,
    method: Method,
) -> Result<(), TrainingError> {
    let training = FrozenTraining::new(study, *recipe);
    let bar = progress::bar("trunk features");
    let features = training.features(runtime, method, &bar)?;
    bar.finish_and_clear();
    let bar: ProgressBar = progress::bar("training");
    training.train(method, &features, &bar)?;
    bar.finish_and_clear();
    println!(
        "train: {method} on {} cells in {} views, {} classes, {} times, seed {}",
        study.table.rows.len(),
        features.views.len(),
        study.grouping.classes(),
        study.held_out().len(),
        study.seed
    );
    Ok(())
}
