//! `cross-validate`: every fold of every seed, and one table.

use crate::{
    TrainingError, Workspace,
    cli::{CalibrationArgs, CrossValidateArgs, HeadArgs},
    commands::{
        bundle::{folds_held_out, served_views},
        cells::{divide, divide_again},
        learn::{learn, named_folds, seen_cells, training},
    },
    dataset::crop_table::CropTable,
    evaluation::{
        answers::out_of_fold,
        input::folds_input,
        summary::Evaluation,
        tables::{TextTable, figures_table},
    },
    progress,
};
use engine::Runtime;
use evaluation::{bootstrap::BootstrapPlan, report};

/// Draws folds, trains and measures for each seed in a work folder of its own, and prints one table: the figures of each
/// seed's folds, a column per seed and method. The test part is the same for every seed and is not looked at. What was
/// divided or trained before is kept.
///
/// # Errors
/// [`TrainingError::Missing`] before `crop`; what dividing, training or measuring says.
pub(super) fn run(args: &CrossValidateArgs) -> Result<(), TrainingError> {
    let own = [args.heads.work.seed];
    let seeds = if args.seeds.is_empty() {
        &own[..]
    } else {
        &args.seeds
    };
    let runtime = Runtime::load(None)?;
    // A division that is there is the bundle's: its test part is nobody's fold.
    let work = &args.heads.work;
    if !Workspace::open(&work.work)?.split().is_file() {
        divide(&args.division, work)?;
    }
    let mut table: Option<TextTable> = None;
    for seed in seeds {
        let figures = of_seed(args, &runtime, *seed)?;
        table = Some(match table {
            Some(table) => table.beside(&figures),
            None => figures,
        });
    }
    if let Some(table) = table {
        println!("{}", table.terminal());
    }
    Ok(())
}

fn of_seed(
    args: &CrossValidateArgs,
    runtime: &Runtime,
    seed: u64,
) -> Result<TextTable, TrainingError> {
    let heads = heads_of_seed(args, seed)?;
    let study = seen_cells(&heads, CalibrationArgs::default())?;
    let training = training(&study, &heads)?;
    let folds = match args.only_folds.as_slice() {
        [] => study.each_fold(),
        [_] => return Err(one_fold()),
        several => named_folds(&study, several)?,
    };
    learn(&study, runtime, &training, &heads.recipe, &folds)?;
    let bar = progress::bar("held-out folds");
    let views = served_views(&heads, &training)?;
    let folds = folds_held_out(&study, runtime, &training, &folds, &views, &bar)?;
    bar.finish_and_clear();
    let plan = BootstrapPlan {
        seed,
        ..BootstrapPlan::default()
    };
    let input = folds_input(&study, &out_of_fold(&study, &folds)?, plan)?;
    let evaluation = Evaluation::of(&report::measure(&input)?);
    let part = evaluation.parts.first();
    let nothing = || TrainingError::Impossible("there are no folds".to_owned());
    Ok(figures_table(part.ok_or_else(nothing)?).with_columns_of(&format!("seed {seed}")))
}

fn one_fold() -> TrainingError {
    let reason =
        "one fold alone has no others to take its temperature from: give --only-folds two or more";
    TrainingError::Impossible(reason.to_owned())
}

/// Another seed has other folds, so it gets a work folder of its own, with the same crops and the same test part.
fn heads_of_seed(args: &CrossValidateArgs, seed: u64) -> Result<HeadArgs, TrainingError> {
    let mut heads = args.heads.clone();
    if seed == heads.work.seed {
        return Ok(heads);
    }
    let crops = Workspace::open(&heads.work.work)?;
    CropTable::read(&crops)?;
    heads.work.seed = seed;
    heads.work.work = heads.work.work.join(format!("seed_{seed}"));
    Workspace::open(&heads.work.work)?.share_crops(&crops)?;
    divide_again(&args.division, &heads.work, &crops)?;
    Ok(heads)
}
