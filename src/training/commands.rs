//! What the commands of `secondlook-train` do and say.

use std::path::Path;

use indicatif::ProgressBar;

use crate::training::{
    CropOptions, CropTable, Dataset, Evaluation, LeftOut, Recipe, SplitOptions, Study,
    StudyOptions, TrainingError, Workspace,
    calibration::held_out::HEAD_METHODS,
    cli::{BundleArgs, Command, CutArgs, DivisionArgs, HeadArgs, ModelArgs, WorkArgs},
    crop_dataset,
    evaluation::evaluate::{evaluate, write_evaluation},
    evaluation::tables::{aurc_table, figures_table, misprediction_table},
    export::card::model_card,
    export::verify::verify,
    export::write::export,
    progress, split, trunks,
    workspace::{write_bytes, write_csv},
};
use crate::{
    bundle::{Bundle, Method},
    engine::Runtime,
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
            Recipe::compact(args.method)?;
            let (study, _) = open_study(&args.heads)?;
            train(&study, args.method)
        }
        Command::Export(args) => {
            let (study, runtime) = open_study(&args.heads)?;
            write_bundle(&study, &runtime, args).map(|_| ())
        }
        Command::Evaluate(args) => {
            let (study, runtime) = open_study(&args.heads)?;
            measure(&study, &runtime, &Bundle::open(&args.out)?, args)
        }
        Command::Model(args) => model(args),
        Command::Trunk(command) => trunks::command::run(command),
    }
}

fn model(args: &ModelArgs) -> Result<(), TrainingError> {
    let bundle = &args.bundle;
    crop(&args.cut, &bundle.heads.work.work)?;
    divide(&args.division, &bundle.heads.work)?;
    let (study, runtime) = open_study(&bundle.heads)?;
    for method in HEAD_METHODS {
        train(&study, method)?;
    }
    let exported = write_bundle(&study, &runtime, bundle)?;
    measure(&study, &runtime, &exported, bundle)
}

fn crop(args: &CutArgs, work: &Path) -> Result<(), TrainingError> {
    let workspace = Workspace::open(work)?;
    let dataset = Dataset::open(&args.data, args.layout, args.labels.as_deref())?;
    let options = CropOptions {
        edge: args.edge,
        padding: args.padding.into(),
    };
    let bar = progress::bar("crops");
    let outcome = crop_dataset(&dataset, &workspace, &options, &bar)?;
    bar.finish_and_clear();
    println!(
        "crops: {} of {} px in {}",
        outcome.table.rows.len(),
        outcome.table.settings.edge,
        workspace.crops().display()
    );
    say_left_out(&outcome.left_out, args.leave_out, &workspace.left_out())
}

fn say_left_out(left_out: &[LeftOut], accepted: bool, list: &Path) -> Result<(), TrainingError> {
    let Some(first) = left_out.first() else {
        return Ok(());
    };
    let said = format!(
        "{} cells cannot be used; the first: {}: {}; all of them: {}",
        left_out.len(),
        first.origin,
        first.reason,
        list.display()
    );
    if accepted {
        eprintln!("warning: {said}");
        return Ok(());
    }
    Err(TrainingError::Impossible(format!(
        "{said}; correct them, or go on without them with --leave-out"
    )))
}

fn divide(args: &DivisionArgs, work: &WorkArgs) -> Result<(), TrainingError> {
    let workspace = Workspace::open(&work.work)?;
    let table = CropTable::read(&workspace)?;
    let options = SplitOptions {
        folds: args.folds,
        test_share: args.test_share,
        per_cell: args.per_cell,
        seed: work.seed,
    };
    let division = split(&table.rows, &table.labels, &options)?;
    write_csv(&workspace.split(), &division.rows)?;
    println!(
        "split: {} folds and a test part, seed {}, in {}",
        args.folds,
        work.seed,
        workspace.split().display()
    );
    for warning in &division.warnings {
        eprintln!("warning: {warning}");
    }
    Ok(())
}

fn open_study(args: &HeadArgs) -> Result<(Study, Runtime), TrainingError> {
    let options = StudyOptions {
        work: &args.work.work,
        trunk: &args.trunk,
        size: args.size,
        classes: args.num_classes,
        seed: args.work.seed,
    };
    let runtime = Runtime::load(None)?;
    let bar = progress::bar("trunk features");
    let study = Study::open(&options, &runtime, &bar)?;
    bar.finish_and_clear();
    println!(
        "features: {} cells in {} views",
        study.table.rows.len(),
        study.features.views.len()
    );
    Ok((study, runtime))
}

fn train(study: &Study, method: Method) -> Result<(), TrainingError> {
    let bar: ProgressBar = progress::bar("training");
    study.train(method, &bar)?;
    bar.finish_and_clear();
    let (folds, classes) = (study.folds().len(), study.grouping.classes());
    println!(
        "train: {method}, {classes} classes, {folds} folds held out in turn, seed {}",
        study.seed
    );
    Ok(())
}

fn write_bundle(
    study: &Study,
    runtime: &Runtime,
    args: &BundleArgs,
) -> Result<Bundle, TrainingError> {
    let bar = progress::bar("calibration views");
    let bundle = export(study, runtime, &args.out, &bar)?;
    bar.finish_and_clear();
    let difference = verify(study, runtime, &bundle)?;
    println!(
        "export: {}, the runtime's probabilities within {difference:.1e} of the trainer's",
        args.out.display()
    );
    Ok(bundle)
}

fn measure(
    study: &Study,
    runtime: &Runtime,
    bundle: &Bundle,
    args: &BundleArgs,
) -> Result<(), TrainingError> {
    verify(study, runtime, bundle)?;
    let bar = progress::bar("evaluation views");
    let evaluation = evaluate(study, runtime, &bar)?;
    bar.finish_and_clear();
    write_evaluation(
        &evaluation,
        &study.workspace.evaluation(study.grouping.classes()),
    )?;
    write_evaluation(&evaluation, &args.out.join("evaluation.json"))?;
    let card = model_card(study, bundle.manifest(), &evaluation)?;
    write_bytes(&args.out.join("MODEL_CARD.md"), card.as_bytes())?;
    print_tables(&evaluation);
    Ok(())
}

fn print_tables(evaluation: &Evaluation) {
    let parts = [
        ("out of fold", &evaluation.out_of_fold),
        ("test part", &evaluation.test),
    ];
    for (title, part) in parts {
        println!(
            "\n{title}: {} cells of {} images; 95% intervals resampled by image",
            part.cells, part.images
        );
        for table in [
            figures_table(part),
            misprediction_table(part),
            aurc_table(part),
        ] {
            println!("{}", table.terminal());
        }
    }
}
