//! `train` and `finetune`.

use indicatif::ProgressBar;

use crate::{
    bundle::Method,
    engine::Runtime,
    training::{
        RecipeArgs, Study, StudyOptions, TrainingError,
        cli::{FinetuneArgs, HeadArgs},
        models::{Training, fine_tuned::FineTuning, frozen::FrozenTraining},
        progress,
    },
};

/// [`seen_cells`], and the runtime, which a process can load once.
///
/// # Errors
/// See [`seen_cells`]; a runtime that cannot be loaded.
pub fn open_study(args: &HeadArgs) -> Result<(Study, Runtime), TrainingError> {
    Ok((seen_cells(args)?, Runtime::load(None)?))
}

/// The cells that `crop` and `split` wrote, seen at the size that the training wants.
///
/// # Errors
/// [`TrainingError::Missing`] before those steps.
pub fn seen_cells(args: &HeadArgs) -> Result<Study, TrainingError> {
    let recipe = args.tuning.recipe(&args.recipe, args.size)?;
    Study::open(&StudyOptions {
        work: &args.work.work,
        trunk: &args.trunk,
        size: recipe.map_or(args.size, |recipe| Some(recipe.size)),
        classes: args.num_classes,
        seed: args.work.seed,
    })
}

/// The way of training that the options ask for.
///
/// # Errors
/// A recipe file that cannot be read.
pub fn training<'a>(study: &'a Study, args: &HeadArgs) -> Result<Training<'a>, TrainingError> {
    Ok(match args.tuning.recipe(&args.recipe, args.size)? {
        Some(recipe) => Training::FineTuned(FineTuning::new(study, recipe)),
        None => Training::Frozen(FrozenTraining::new(study, args.recipe)),
    })
}

/// Trains everything that a training has, with the given folds held out in turn.
///
/// # Errors
/// What reading or training says.
pub fn learn(
    study: &Study,
    runtime: &Runtime,
    training: &Training<'_>,
    recipe: &RecipeArgs,
    folds: &[usize],
) -> Result<(), TrainingError> {
    match training {
        Training::Frozen(_) => {
            for method in recipe.methods() {
                train(study, runtime, recipe, *method)?;
            }
        }
        Training::FineTuned(training) => {
            for fold in folds {
                let bar = progress::bar("fine-tuning");
                let losses = training.train(runtime, *fold, &bar)?;
                bar.finish_and_clear();
                println!("finetune: fold {fold} held out, mean loss of each epoch {losses:.3?}");
            }
        }
    }
    Ok(())
}

/// `finetune`
///
/// # Errors
/// A fold that `split` did not make; what reading or training says.
pub fn finetune(args: &FinetuneArgs) -> Result<(), TrainingError> {
    let (study, runtime) = open_study(&args.heads)?;
    let training = training(&study, &args.heads)?;
    if let Training::Frozen(_) = training {
        return Err(TrainingError::Impossible(
            "finetune trains the trunk, too: leave out --frozen-trunk and --preset paper"
                .to_owned(),
        ));
    }
    let every = study.folds();
    if let Some(unknown) = args.fold.iter().find(|fold| !every.contains(fold)) {
        return Err(TrainingError::Impossible(format!(
            "fold {unknown} holds no cells: give one that `split` made"
        )));
    }
    let folds = if args.fold.is_empty() {
        &every
    } else {
        &args.fold
    };
    learn(&study, &runtime, &training, &args.heads.recipe, folds)
}

/// `train`
///
/// # Errors
/// What reading or training says.
pub fn train(
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
        "train: {method} on {} cells in {} views, {} classes, {} folds held out in turn, seed {}",
        study.table.rows.len(),
        features.views.len(),
        study.grouping.classes(),
        study.folds().len(),
        study.seed
    );
    Ok(())
}
