//! `paper-report`: the paper's table and figures of every model that was trained.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;

use super::{
    PaperWorkArgs,
    runs::{PaperRun, papers_name},
};
use crate::{
    FeatureSet, TrainingError,
    data::part::HeldOutFolds,
    dropout_scores,
    error::impossible,
    fit::frozen::FrozenTraining,
    member_scores,
    report::{
        OUT_OF_FOLD, TEST,
        answers::{AnsweredPart, CalibratedAnswers},
        folds_input,
        paper::{figure_count, page, thresholds_table, whole_table},
    },
    score::{CellScores, PASSES},
    session::TrainingSession,
    view_scores,
    workspace::write_bytes,
};
use bundle::Method;
use engine::Runtime;
use evaluation::{
    bootstrap::BootstrapPlan,
    report::{EvaluationReport, ReportInput, measure, write_report},
};

/// `paper-report`
#[derive(Clone, Debug, Args)]
pub struct PaperReportArgs {
    /// Report the models with this number of classes
    #[arg(
        long = "num_classes",
        alias = "num-classes",
        default_value_t = 2,
        value_name = "2|3|6"
    )]
    num_classes: usize,
    /// Folder for the report [default: `report` in the work folder]
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Where
    #[command(flatten)]
    work: PaperWorkArgs,
}

/// Measures what the `main` runs left in the work folder, prints the tables and writes them with
/// the figures.
///
/// # Errors
/// [`TrainingError::Missing`] without a run, or when the heads of a run are gone.
pub(super) fn run(args: &PaperReportArgs, revision: &'static str) -> Result<(), TrainingError> {
    let workspace = args.work.open()?;
    let runs = PaperRun::recorded(&workspace, args.num_classes)?;
    if runs.is_empty() {
        return Err(TrainingError::Missing {
            what: format!(
                "a model of {} classes in {}",
                args.num_classes,
                args.work.work.display()
            ),
            command: format!(
                "main --model=CustomResNet --num_classes={}",
                args.num_classes
            ),
        });
    }
    let runtime = Arc::new(Runtime::load(None)?);
    let input = measured(&args.work.work, &runs, &runtime, revision)?;
    let folder = args.report.clone();
    let folder = folder.unwrap_or_else(|| workspace.root().join("report"));
    let written = write_report(&input, &folder)?;
    let file = folder.join("paper.md");
    write_bytes(&file, page(&written.report, &folder).as_bytes())?;
    print_tables(&written.report);
    println!(
        "paper-report: {} models, tables and {} figures in {}; every other figure in {}",
        runs.len(),
        figure_count(&written.report, &folder),
        file.display(),
        written.html.display()
    );
    for method in Method::ALL {
        if !runs.iter().any(|run| run.method == method) {
            println!("not trained: {0} (`main --model={0}`)", papers_name(method));
        }
    }
    Ok(())
}

/// Answers of some models to the folds and the test part, as what a report is made of.
/// Probabilities are those of the heads, not calibrated, as in the paper.
///
/// # Errors
/// [`TrainingError::Missing`] when a model was not trained on the cells as they are divided now.
pub(super) fn measured(
    work: &Path,
    runs: &[PaperRun],
    runtime: &Arc<Runtime>,
    revision: &'static str,
) -> Result<ReportInput, TrainingError> {
    let mut folds = BTreeMap::new();
    let mut test = BTreeMap::new();
    let mut facts = Vec::new();
    let mut first = None;
    for run in runs {
        let session = run.session(work, runtime, revision)?;
        let model = RunModel::open(&session, run)?;
        let study = &session.study;
        folds.insert(
            run.method,
            model.answers(&study.each_fold(), |held_out| study.held_out_rows(held_out))?,
        );
        if !study.test_rows().is_empty() {
            test.insert(
                run.method,
                model.answers(&[study.no_fold()], |_| study.test_rows())?,
            );
        }
        facts.push((
            papers_name(run.method).to_owned(),
            run.facts(&study.trunk.name),
        ));
        first.get_or_insert(session);
    }
    let session = first.ok_or_else(|| impossible!("there is no model to report"))?;
    let study = &session.study;
    let plan = BootstrapPlan {
        seed: study.seed,
        ..BootstrapPlan::default()
    };
    let of_part =
        |rows: Vec<usize>, methods| folds_input(study, &AnsweredPart { rows, methods }, plan);
    let each = study.each_fold();
    let rows = each
        .iter()
        .flat_map(|held_out| study.held_out_rows(held_out));
    let mut input = of_part(rows.collect(), folds)?;
    input.title = "The paper's experiment".to_owned();
    input.facts = facts;
    for part in &mut input.parts {
        part.name = OUT_OF_FOLD.to_owned();
    }
    if !test.is_empty() {
        let of_test = of_part(study.test_rows(), test)?.parts.into_iter();
        input
            .parts
            .extend(of_test.map(|part| evaluation::report::PartInput {
                name: TEST.to_owned(),
                note:
                    "Each cell was answered by a model that has learnt from every fold.".to_owned(),
                ..part
            }));
    }
    Ok(input)
}

/// Prints the tables of models that are not reported in files.
///
/// # Errors
/// What measuring says.
pub(super) fn print(input: &ReportInput) -> Result<(), TrainingError> {
    print_tables(&measure(input)?);
    Ok(())
}

fn print_tables(report: &EvaluationReport) {
    for part in &report.parts {
        println!(
            "\n{}: {} cells of {} images; 95% intervals resampled by image",
            part.name, part.cells, part.images
        );
        let tables = [whole_table(part), thresholds_table(part)];
        for table in tables.iter().filter(|table| !table.rows.is_empty()) {
            println!("{}", table.terminal());
        }
    }
    println!();
}

/// A trained model of the paper with the features that it has learnt from.
struct RunModel<'a> {
    session: &'a TrainingSession,
    run: &'a PaperRun,
    training: FrozenTraining<'a>,
    features: FeatureSet,
}

impl<'a> RunModel<'a> {
    fn open(session: &'a TrainingSession, run: &'a PaperRun) -> Result<Self, TrainingError> {
        let training = FrozenTraining::new(session, run.recipe());
        session.begin("trunk features");
        let features = training.features(run.method)?;
        session.progress.finish_and_clear();
        Ok(Self {
            session,
            run,
            training,
            features,
        })
    }

    /// The answers of the model of each of `held_out` to its rows, one after the other.
    fn answers(
        &self,
        held_out: &[HeldOutFolds],
        rows: impl Fn(&HeldOutFolds) -> Vec<usize>,
    ) -> Result<CalibratedAnswers, TrainingError> {
        let mut samples = Vec::new();
        for folds in held_out {
            samples.extend(self.scores(folds, &rows(folds))?.samples(1.0)?);
        }
        Ok(CalibratedAnswers {
            temperatures: vec![1.0],
            samples,
        })
    }

    fn scores(&self, held_out: &HeldOutFolds, rows: &[usize]) -> Result<CellScores, TrainingError> {
        let heads = self.run.heads(&self.training, held_out)?;
        let views = &self.features.views;
        let plain = views
            .first()
            .ok_or_else(|| impossible!("the trunk gave no features: run the command again"))?;
        let study = &self.session.study;
        Ok(match self.run.method {
            Method::Baseline | Method::Ensemble => member_scores(&heads, plain, rows),
            Method::Tta => view_scores(&heads, views, rows),
            Method::McDropout => {
                let recipe = self.run.recipe().recipe(Method::McDropout)?;
                let seeds = rows
                    .iter()
                    .filter_map(|row| study.cell_seeds.get(*row).copied());
                let seeds: Vec<u64> = seeds.collect();
                let masks = recipe.masks(study.trunk.dimension);
                dropout_scores(&heads, &masks, PASSES, plain, rows, &seeds)
            }
        })
    }
}
