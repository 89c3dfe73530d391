//! What the commands of `secondlook-train` do and say.

mod bundle;
mod cells;
mod cross_validate;
mod guarantee;
mod learn;

use self::{
    bundle::{check_pictures, evaluate_only, export_only, measure, write_bundle},
    cells::{crop, divide},
    learn::{finetune, learn, open_study, train, training},
};
use super::{
    TrainingError, augmented,
    cli::{Command, ModelArgs},
    export::write::bundle_name,
    trunks,
};

/// Runs one command. Results go to stdout, progress and warnings to stderr.
///
/// # Errors
/// One sentence that says what is wrong.
pub fn run(command: &Command) -> Result<(), TrainingError> {
    match command {
        Command::Crop(args) => crop(&args.cut, &args.work),
        Command::Split(args) => divide(&args.division, &args.work),
        Command::Train(args) => {
            args.heads.recipe.recipe(args.method)?;
            let mut heads = args.heads.clone();
            heads.tuning.frozen_trunk = true;
            let (study, runtime) = open_study(&heads, args.calibration)?;
            train(&study, &runtime, &heads.recipe, args.method)
        }
        Command::Finetune(args) => finetune(args),
        Command::Export(args) => export_only(args),
        Command::Evaluate(args) => evaluate_only(args),
        Command::CrossValidate(args) => cross_validate::run(args),
        Command::ExperimentGuarantee(args) => guarantee::run(args),
        Command::Model(args) => model(args),
        Command::Augment(args) => augmented::command::run(args),
        Command::Trunk(command) => trunks::command::run(command),
    }
}

fn model(args: &ModelArgs) -> Result<(), TrainingError> {
    let (bundle, heads) = (&args.bundle, &args.bundle.heads);
    // What is used in the end is looked at in the beginning: between the two lie hours.
    bundle_name(&bundle.out)?;
    check_pictures(&bundle.unlike)?;
    crop(&args.cut, &heads.work.work)?;
    divide(&args.division, &heads.work)?;
    let (study, runtime) = open_study(heads, bundle.calibration)?;
    study.check_images_apart()?;
    let training = training(&study, heads)?;
    let held_out = study.held_out();
    learn(&study, &runtime, &training, &heads.recipe, &held_out)?;
    let exported = write_bundle(&study, &runtime, &training, bundle)?;
    measure(&study, &runtime, &training, &exported, bundle)
}
