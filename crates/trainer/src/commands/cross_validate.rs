//! `cross-validate`: every fold of every seed, and one table.

use std::sync::Arc;

use crate::{
    TrainingError, Workspace,
    cli::{CrossValidateArgs, HeadArgs},
    commands::{
        bundle::{fold_models, folds_held_out, served_views},
        cells::{divide, divide_again},
        learn, named_folds, session, study, way,
    },
    data::crop_table::CropTable,
    report::{
        answers::{AnsweredPart, out_of_fold},
        folds_input,
        paired::{PairedSeed, paired_table},
        summary::Evaluation,
        tables::{TextTable, figures_table},
    },
    session::TrainingSession,
    study::Study,
};
use engine::Runtime;
use evaluation::{bootstrap::BootstrapPlan, report};

/// Divides, trains and measures for each seed in a work folder of its own. Prints one table with a
/// column per seed and method. Every seed has the same test part, which is not used. Earlier
/// results are kept.
///
/// # Errors
/// [`TrainingError::Missing`] before `crop`; what dividing, training or measuring says.
pub(super) fn run(args: &CrossValidateArgs, revision: &'static str) -> Result<(), TrainingError> {
    let own = [args.heads.work.seed];
    let seeds = if args.seeds.is_empty() {
        &own[..]
    } else {
        &args.seeds
    };
    let runtime = Arc::new(Runtime::load(None)?);
    // An existing split belongs to the bundle: its test part stays out of every fold.
    let work = &args.heads.work;
    if !Workspace::open(&work.work)?.split().is_file() {
        divide(&args.division, work)?;
    }
    let mut table: Option<TextTable> = None;
    let mut pairs = Vec::new();
    for seed in seeds {
        let heads = heads_of_seed(args, *seed)?;
        let session = session(study(&heads)?, Arc::clone(&runtime), revision);
        let answers = answers(args, &heads, &session)?;
        let figures = figures(&session.study, &answers)?;
        table = Some(match table {
            Some(table) => table.beside(&figures),
            None => figures,
        });
        if let Some(recipe) = &args.compare_recipe {
            let mut heads = heads.clone();
            heads.tuning.fine_tune_recipe = Some(recipe.clone());
            let other = self::answers(args, &heads, &session)?;
            pairs.push(PairedSeed::of(&session.study, &answers, &other)?);
        }
    }
    if let Some(table) = table {
        println!("{}", table.terminal());
    }
    if let Some(recipe) = &args.compare_recipe {
        println!("\nless the figures of {}:", recipe.display());
        println!("{}", paired_table(&pairs)?.markdown());
    }
    Ok(())
}

/// Trains without each fold, and asks each model about the fold that it has not seen.
fn answers(
    args: &CrossValidateArgs,
    heads: &HeadArgs,
    session: &TrainingSession,
) -> Result<AnsweredPart, TrainingError> {
    let study = &session.study;
    let way = way(session, heads)?;
    let folds = match args.only_folds.as_slice() {
        [] => study.each_fold(),
        [_] => return Err(one_fold()),
        several => named_folds(study, several)?,
    };
    learn(session, &way, &folds)?;
    let bar = session.begin("held-out folds");
    let views = served_views(heads, &way)?;
    let folds = folds_held_out(session, &fold_models(&way, &folds)?, &views)?;
    bar.finish_and_clear();
    out_of_fold(study, &folds)
}

fn figures(study: &Study, answers: &AnsweredPart) -> Result<TextTable, TrainingError> {
    let plan = BootstrapPlan {
        seed: study.seed,
        ..BootstrapPlan::default()
    };
    let input = folds_input(study, answers, plan)?;
    let evaluation = Evaluation::of(&report::measure(&input)?);
    let part = evaluation.parts.first();
    let nothing = || {
        TrainingError::Impossible(
            "the split has no folds: run `secondlook-train split` again".to_owned(),
        )
    };
    Ok(figures_table(part.ok_or_else(nothing)?).with_columns_of(&format!("seed {}", study.seed)))
}

fn one_fold() -> TrainingError {
    let reason = "--only-folds names one fold: name at least two, such as --only-folds 0,1, because each takes its temperature from the others";
    TrainingError::Impossible(reason.to_owned())
}

/// Another seed has other folds: it gets its own work folder with the same crops and test part.
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
