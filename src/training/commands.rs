//! What the commands of `secondlook-train` do and say.

use std::path::Path;

use indicatif::ProgressBar;

use crate::training::{
    CropTable, Dataset, Evaluation, Grouping, Recipe, SplitOptions, Study, StudyOptions,
    TrainingError, Workspace,
    calibration::held_out::HEAD_METHODS,
    cli::{
        BundleArgs, Command, CutArgs, DivisionArgs, FinetuneArgs, HeadArgs, ModelArgs, WorkArgs,
    },
    crop_dataset,
    evaluation::evaluate::{EvaluatedPart, evaluate, write_evaluation},
    evaluation::tables::{aurc_table, figures_table, misprediction_table},
    export::card::model_card,
    export::verify::verify,
    export::write::export,
    finetune::{FineTuneRecipe, Trial, try_recipe},
    progress, split,
    workspace::{read_json, write_bytes, write_csv},
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
        Command::Finetune(args) => finetune(args),
        Command::Export(args) => {
            let (study, runtime) = open_study(&args.heads)?;
            write_bundle(&study, &runtime, args).map(|_| ())
        }
        Command::Evaluate(args) => {
            let (study, runtime) = open_study(&args.heads)?;
            measure(&study, &runtime, &Bundle::open(&args.out)?, args)
        }
        Command::Model(args) => model(args),
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
    let dataset = Dataset::open(&args.data)?;
    let bar = progress::bar("crops");
    let outcome = crop_dataset(&dataset, &workspace, args.edge, args.padding.into(), &bar)?;
    bar.finish_and_clear();
    let (cut, left_out) = (outcome.table.rows.len(), outcome.left_out.len());
    println!(
        "crops: {cut} of {} px in {}",
        args.edge,
        workspace.crops().display()
    );
    if left_out > 0 {
        eprintln!(
            "warning: {left_out} cells were left out; why: {}",
            workspace.left_out().display()
        );
    }
    Ok(())
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
    let division = split(&table.rows, &options)?;
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
        grouping: Grouping::with_classes(args.num_classes)?,
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

fn finetune(args: &FinetuneArgs) -> Result<(), TrainingError> {
    let recipe = match &args.recipe {
        Some(path) => read_json(path)?,
        None => FineTuneRecipe {
            frozen_blocks: args.frozen,
            size: args.size,
            epochs: args.epochs,
            ..FineTuneRecipe::default()
        },
    };
    let trial = Trial {
        data: &args.data,
        trunk: &args.heads.trunk,
        work: &args.heads.work.work,
        grouping: Grouping::with_classes(args.heads.num_classes)?,
        fold: args.fold,
        recipe,
        seed: args.heads.work.seed,
    };
    let bar = progress::bar("fine-tuning");
    let outcome = try_recipe(&trial, &Runtime::load(None)?, &bar)?;
    bar.finish_and_clear();
    println!(
        "finetune: fold {} held out, trunk and heads in {}, mean loss of each epoch {:.3?}",
        args.fold,
        outcome.folder.display(),
        outcome.losses
    );
    print_part("held-out fold", &outcome.held_out);
    print_part("the same, normal or abnormal", &outcome.held_out_binary);
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
        print_part(title, part);
    }
}

fn print_part(title: &str, part: &EvaluatedPart) {
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
