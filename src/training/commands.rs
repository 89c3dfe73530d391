//! What the commands of `secondlook-train` do and say.

use std::path::Path;

use indicatif::ProgressBar;

use crate::training::{
    CropOptions, CropTable, Dataset, Evaluation, LeftOut, Part, Recipe, SplitOptions, Study,
    StudyOptions, TrainingError, Workspace,
    calibration::{CALIBRATION_FOLD, calibrate_model},
    cli::{BundleArgs, Command, CutArgs, DivisionArgs, HeadArgs, ModelArgs, WorkArgs},
    crop_dataset,
    evaluation::evaluate::{HeldOut, evaluate, write_evaluation},
    evaluation::tables::{aurc_table, figures_table, layers_table, misprediction_table},
    export::card::model_card,
    export::verify::verify,
    export::write::export,
    models::{
        FoldModel, HEAD_METHODS,
        frozen::FrozenTraining,
        scores::{OUT_OF_FOLD_VIEWS, PASSES, Views, scores},
    },
    progress, split,
    workspace::{write_bytes, write_csv},
};
use crate::{
    bundle::{Bundle, Method},
    engine::Runtime,
    imaging::augment::AugmentPolicy,
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
            let (study, runtime) = open_study(&args.heads)?;
            train(&frozen(&study, &runtime)?, &study, args.method)
        }
        Command::Export(args) => {
            let (study, runtime) = open_study(&args.heads)?;
            let training = frozen(&study, &runtime)?;
            write_bundle(&study, &runtime, &training, args).map(|_| ())
        }
        Command::Evaluate(args) => {
            let (study, runtime) = open_study(&args.heads)?;
            let training = frozen(&study, &runtime)?;
            let bundle = Bundle::open(&args.out)?;
            measure(&study, &runtime, &training, &bundle, args)
        }
        Command::Model(args) => model(args),
    }
}

fn model(args: &ModelArgs) -> Result<(), TrainingError> {
    let bundle = &args.bundle;
    crop(&args.cut, &bundle.heads.work.work)?;
    divide(&args.division, &bundle.heads.work)?;
    let (study, runtime) = open_study(&bundle.heads)?;
    let training = frozen(&study, &runtime)?;
    for method in HEAD_METHODS {
        train(&training, &study, method)?;
    }
    let exported = write_bundle(&study, &runtime, &training, bundle)?;
    measure(&study, &runtime, &training, &exported, bundle)
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
        classes: args.num_classes,
        seed: args.work.seed,
    };
    Ok((Study::open(&options)?, Runtime::load(None)?))
}

fn frozen<'a>(study: &'a Study, runtime: &Runtime) -> Result<FrozenTraining<'a>, TrainingError> {
    let bar = progress::bar("trunk features");
    let training = FrozenTraining::open(study, runtime, &bar)?;
    bar.finish_and_clear();
    println!("features: {} cells", study.table.rows.len());
    Ok(training)
}

fn train(
    training: &FrozenTraining<'_>,
    study: &Study,
    method: Method,
) -> Result<(), TrainingError> {
    let bar: ProgressBar = progress::bar("training");
    training.train(method, &bar)?;
    bar.finish_and_clear();
    let (folds, classes) = (study.folds().len(), study.grouping.classes());
    println!(
        "train: {method}, {classes} classes, {folds} folds held out in turn, seed {}",
        study.seed
    );
    Ok(())
}

/// Views of test-time augmentation as the bundle serves them.
fn served_views() -> Views {
    Views {
        policy: AugmentPolicy::paper(),
        count: PASSES,
    }
}

fn held_out(
    study: &Study,
    runtime: &Runtime,
    model: &FoldModel,
    part: Part,
    views: &Views,
    progress: &ProgressBar,
) -> Result<HeldOut, TrainingError> {
    let rows = study.rows_in(part);
    let scores = scores(study, runtime, model, &rows, views, progress)?;
    Ok(HeldOut { rows, scores })
}

fn write_bundle(
    study: &Study,
    runtime: &Runtime,
    training: &FrozenTraining<'_>,
    args: &BundleArgs,
) -> Result<Bundle, TrainingError> {
    let bar = progress::bar("calibration views");
    let model = training.model(CALIBRATION_FOLD)?;
    let views = served_views();
    let part = Part::Fold(CALIBRATION_FOLD);
    let calibration = held_out(study, runtime, &model, part, &views, &bar)?;
    let calibrated = calibrate_model(study, runtime, &model, &calibration, &bar)?;
    bar.finish_and_clear();
    if let Some(unlike) = &calibrated.unlike {
        println!("{}", layers_table(&unlike.tried).terminal());
    }
    let bundle = export(study, &model, &calibrated, &views, &args.out)?;
    let difference = verify(study, runtime, &model, &bundle)?;
    println!(
        "export: {}, the runtime's probabilities within {difference:.1e} of the trainer's",
        args.out.display()
    );
    Ok(bundle)
}

fn measure(
    study: &Study,
    runtime: &Runtime,
    training: &FrozenTraining<'_>,
    bundle: &Bundle,
    args: &BundleArgs,
) -> Result<(), TrainingError> {
    let model = training.model(CALIBRATION_FOLD)?;
    verify(study, runtime, &model, bundle)?;
    let bar = progress::bar("evaluation views");
    let views = Views {
        count: OUT_OF_FOLD_VIEWS,
        ..served_views()
    };
    let mut folds = Vec::new();
    for fold in study.folds() {
        let model = training.model(fold)?;
        folds.push(held_out(
            study,
            runtime,
            &model,
            Part::Fold(fold),
            &views,
            &bar,
        )?);
    }
    let test = held_out(study, runtime, &model, Part::Test, &served_views(), &bar)?;
    bar.finish_and_clear();
    let evaluation = evaluate(study, &folds, &test, &bundle.manifest().calibration)?;
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
