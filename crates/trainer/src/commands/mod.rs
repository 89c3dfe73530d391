//! The commands of `secondlook-train` and what they print.

pub(crate) mod augment;
mod bundle;
mod cells;
mod cross_validate;
mod guarantee;
mod nested;
pub(crate) mod paper;
pub(crate) mod trunk;

use std::sync::Arc;

use self::{
    bundle::{check_pictures, evaluate_only, export_only, measure, write_bundle},
    cells::{crop, divide},
};
use crate::{
    TrainingError,
    cli::{FinetuneArgs, HeadArgs, ModelArgs, TrainCommand},
    data::part::HeldOutFolds,
    export::bundle_name,
    fit::{FitWay, fine_tuned::FineTuning, frozen::FrozenTraining},
    session::{TrainingSession, bar},
    study::{Study, StudyOptions},
};
use ::bundle::Method;
use engine::Runtime;

/// Runs one command. Results go to stdout, progress and warnings to stderr. `revision` is the
/// revision of the program; bundles record it.
///
/// # Errors
/// A [`TrainingError`], which is one line.
pub fn run(command: &TrainCommand, revision: &'static str) -> Result<(), TrainingError> {
    match command {
        TrainCommand::Crop(args) => crop(&args.cut, &args.work),
        TrainCommand::Split(args) => divide(&args.division, &args.work),
        TrainCommand::Train(args) => {
            args.heads.recipe.recipe(args.method)?;
            let mut heads = args.heads.clone();
            heads.tuning.frozen_trunk = true;
            let session = open_session(&heads, revision)?;
            let training = FrozenTraining::new(&session, heads.recipe);
            train(&session, &training, args.method)
        }
        TrainCommand::Finetune(args) => finetune(args, revision),
        TrainCommand::Export(args) => export_only(args, revision),
        TrainCommand::Evaluate(args) => evaluate_only(args, revision),
        TrainCommand::CrossValidate(args) => cross_validate::run(args, revision),
        TrainCommand::ExperimentGuarantee(args) => guarantee::run(args, revision),
        TrainCommand::Nested(args) => nested::run(args, revision),
        TrainCommand::Model(args) => model(args, revision),
        TrainCommand::Augment(args) => augment::run(args),
        TrainCommand::Trunk(command) => trunk::run(command),
        TrainCommand::Paper(command) => paper::run(command, revision),
    }
}

fn model(args: &ModelArgs, revision: &'static str) -> Result<(), TrainingError> {
    let (bundle, heads) = (&args.bundle, &args.bundle.heads);
    // These are used last and checked first: the training in between takes hours.
    bundle_name(&bundle.out)?;
    check_pictures(&bundle.unlike)?;
    crop(&args.cut, &heads.work.work)?;
    divide(&args.division, &heads.work)?;
    let session = open_session(heads, revision)?;
    session.study.check_images_apart()?;
    let way = way(&session, heads)?;
    learn(&session, &way, &session.study.held_out())?;
    let exported = write_bundle(&session, &way, bundle)?;
    measure(&session, &way, &exported, bundle)
}

/// The cells that `crop` and `split` wrote, at the input size of the training, and the runtime.
///
/// # Errors
/// [`TrainingError::Missing`] before those steps; a runtime that cannot be loaded.
fn open_session(args: &HeadArgs, revision: &'static str) -> Result<TrainingSession, TrainingError> {
    let study = study(args)?;
    Ok(session(study, Arc::new(Runtime::load(None)?), revision))
}

/// A session with a loaded runtime. A process can load it once.
fn session(study: Study, runtime: Arc<Runtime>, revision: &'static str) -> TrainingSession {
    TrainingSession {
        study,
        runtime,
        progress: bar(""),
        revision,
    }
}

/// The cells that `crop` and `split` wrote, at the input size of the training.
///
/// # Errors
/// [`TrainingError::Missing`] before those steps.
fn study(args: &HeadArgs) -> Result<Study, TrainingError> {
    let recipe = args.tuning.recipe(&args.recipe, args.size)?;
    Study::open(&StudyOptions {
        work: &args.work.work,
        trunk: &args.trunk,
        size: recipe.map_or(args.size, |recipe| Some(recipe.size)),
        classes: args.num_classes,
        seed: args.work.seed,
    })
}

/// Frozen or fine-tuned training, by the options.
///
/// # Errors
/// A recipe file that cannot be read.
fn way<'a>(session: &'a TrainingSession, args: &HeadArgs) -> Result<FitWay<'a>, TrainingError> {
    Ok(match args.tuning.recipe(&args.recipe, args.size)? {
        Some(recipe) => FitWay::FineTuned(FineTuning::new(session, recipe)),
        None => FitWay::Frozen(FrozenTraining::new(session, args.recipe)),
    })
}

/// Trains with each of `held_out` held out in turn. Heads on a frozen trunk are always trained for
/// [all of them](Study::held_out).
///
/// # Errors
/// What reading or training says.
fn learn(
    session: &TrainingSession,
    way: &FitWay<'_>,
    held_out: &[HeldOutFolds],
) -> Result<(), TrainingError> {
    match way {
        FitWay::Frozen(training) => {
            for method in training.methods() {
                train(session, training, *method)?;
            }
        }
        FitWay::FineTuned(training) => {
            for folds in held_out {
                let bar = session.begin("fine-tuning");
                let losses = training.train(folds)?;
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
fn finetune(args: &FinetuneArgs, revision: &'static str) -> Result<(), TrainingError> {
    let session = open_session(&args.heads, revision)?;
    let way = way(&session, &args.heads)?;
    if let FitWay::Frozen(_) = way {
        return Err(TrainingError::Impossible(
            "finetune trains the trunk: leave out --frozen-trunk and --preset paper, or run `train`"
                .to_owned(),
        ));
    }
    let study = &session.study;
    let held_out = match (args.bundle_only, args.fold.is_empty()) {
        (true, _) => vec![study.no_fold()],
        (false, true) => study.held_out(),
        (false, false) => named_folds(study, &args.fold)?,
    };
    learn(&session, &way, &held_out)
}

/// Folds by number, each held out alone.
///
/// # Errors
/// [`TrainingError::Impossible`] for one that `split` did not make.
fn named_folds(study: &Study, numbers: &[usize]) -> Result<Vec<HeldOutFolds>, TrainingError> {
    let every = study.folds();
    match numbers.iter().find(|fold| !every.contains(fold)) {
        None => Ok(numbers
            .iter()
            .map(|fold| HeldOutFolds::of([*fold]))
            .collect()),
        Some(unknown) => Err(TrainingError::Impossible(format!(
            "fold {unknown} holds no cells: `split` made folds 0 to {}",
            every.last().copied().unwrap_or_default()
        ))),
    }
}

/// `train`
///
/// # Errors
/// What reading or training says.
fn train(
    session: &TrainingSession,
    training: &FrozenTraining<'_>,
    method: Method,
) -> Result<(), TrainingError> {
    session.begin("trunk features");
    let features = training.features(method)?;
    session.begin("training");
    training.train(method, &features)?;
    session.progress.finish_and_clear();
    let study = &session.study;
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
