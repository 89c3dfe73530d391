//! The numbers of the report, as in its JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    Confusion, Figure, Gallery, MethodInput, OodReport, PaperReport, PartInput, PolicyReport,
    ReliabilityRow, ReportError, ReportInput, RocRow, UncertaintyReport,
    confusion::confusion,
    curves::{reliability_rows, roc_rows},
    error::NO_QUESTION,
    figures::figures,
    gallery::gallery,
    ood::ood_reports,
    paper::paper_reports,
    policies::policy_report,
    question::{MethodAnswers, ReportQuestion, questions},
    resampling::Resampling,
    uncertainty::uncertainties,
};
use crate::bootstrap::Estimate;
use uncertainty::Measure;

/// Every number of the report. Undefined figures are `null`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EvaluationReport {
    /// Heading.
    pub title: String,
    /// How to regard the answers.
    pub disclaimer: String,
    /// Version of the program that wrote the report.
    pub software: String,
    /// Facts about the model.
    pub facts: Vec<(String, String)>,
    /// Names of the classes.
    pub labels: Vec<String>,
    /// Resamples of the intervals.
    pub resamples: usize,
    /// Confidence of the intervals.
    pub confidence: f64,
    /// Seed of the resamples.
    pub seed: u64,
    /// The parts of the data.
    pub parts: Vec<PartReport>,
    /// The out-of-distribution score, the reference first.
    pub out_of_distribution: Vec<OodReport>,
    /// The referral policies.
    pub policies: Vec<PolicyReport>,
}

/// Some cells, answered by every method.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartReport {
    /// Its name.
    pub name: String,
    /// Remarks on it.
    pub note: String,
    /// The number of cells.
    pub cells: usize,
    /// The number of their images.
    pub images: usize,
    /// The methods.
    pub methods: Vec<MethodReport>,
    /// Example cells.
    pub gallery: Gallery,
}

/// One method.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MethodReport {
    /// Its name.
    pub name: String,
    /// The largest T of any cell.
    pub passes: usize,
    /// The temperatures in use.
    pub temperatures: Vec<f64>,
    /// All classes first, then normal vs abnormal, then the further groupings.
    pub questions: Vec<QuestionReport>,
}

/// The answers to one question.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QuestionReport {
    /// Its name in files.
    pub key: String,
    /// Its name on the page.
    pub title: String,
    /// The classes of the question.
    pub classes: Vec<String>,
    /// Whether they are one normal and one abnormal class.
    pub normal_or_abnormal: bool,
    /// Figures of the answers.
    pub figures: BTreeMap<Figure, Estimate>,
    /// Counts by true class.
    pub confusion: Confusion,
    /// The ROC curve of normal against abnormal; empty for other questions.
    pub roc: Vec<RocRow>,
    /// The reliability diagram.
    pub reliability: Vec<ReliabilityRow>,
    /// Each measure of uncertainty; undefined ones are absent.
    pub uncertainty: BTreeMap<Measure, UncertaintyReport>,
    /// The paper's figures and table; undefined measures are absent.
    pub paper: BTreeMap<Measure, PaperReport>,
}

/// Computes every number of a report. Threads compute the methods in parallel, which does not
/// affect the numbers.
///
/// # Errors
/// [`ReportError::Input`] if the input is inconsistent.
pub fn measure(input: &ReportInput) -> Result<EvaluationReport, ReportError> {
    input.check()?;
    let labels: Vec<String> = input.labels.iter().map(|of| of.name.clone()).collect();
    let parts = input.parts.iter();
    let parts: Result<Vec<PartReport>, ReportError> = parts
        .map(|part| part_report(input, part, &labels))
        .collect();
    let mut policies = Vec::new();
    for outcome in &input.policies {
        let mut parts = input.parts.iter();
        if let Some(part) = parts.find(|part| part.name == outcome.policy.part) {
            policies.push(policy_report(outcome, part, input.plan)?);
        }
    }
    Ok(EvaluationReport {
        title: input.title.clone(),
        disclaimer: "A suggestion, not a diagnosis.".to_owned(),
        software: format!("secondlook {}", env!("CARGO_PKG_VERSION")),
        facts: input.facts.clone(),
        labels,
        resamples: input.plan.resamples,
        confidence: input.plan.confidence,
        seed: input.plan.seed,
        parts: parts?,
        out_of_distribution: ood_reports(&input.ood, input.plan)?,
        policies,
    })
}

fn part_report(
    input: &ReportInput,
    part: &PartInput,
    names: &[String],
) -> Result<PartReport, ReportError> {
    let questions = questions(input);
    let labels: Vec<usize> = part.cells.iter().map(|cell| cell.label).collect();
    let resampling = Resampling::of_part(part, input.plan);
    let of_methods = std::thread::scope(|scope| {
        let work = |method| {
            let (questions, labels, resampling) = (&questions, &labels, &resampling);
            scope.spawn(move || method_report(method, questions, labels, resampling))
        };
        let running: Vec<_> = part.methods.iter().map(work).collect();
        let joined = running.into_iter().map(|thread| match thread.join() {
            Ok(reported) => reported,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.collect::<Result<Vec<(MethodReport, MethodAnswers)>, ReportError>>()
    })?;
    let images: BTreeSet<&String> = part.cells.iter().map(|cell| &cell.image_id).collect();
    let named = of_methods.iter();
    let named: Vec<(&str, &MethodAnswers)> = named
        .map(|(method, answers)| (method.name.as_str(), answers))
        .collect();
    Ok(PartReport {
        name: part.name.clone(),
        note: part.note.clone(),
        cells: part.cells.len(),
        images: images.len(),
        gallery: gallery(part, &named, names)?,
        methods: of_methods.into_iter().map(|(method, _)| method).collect(),
    })
}

/// The report of a method, and its answers to the first question, which is about all classes.
fn method_report(
    method: &MethodInput,
    questions: &[ReportQuestion],
    labels: &[usize],
    resampling: &Resampling,
) -> Result<(MethodReport, MethodAnswers), ReportError> {
    let mut reports = Vec::new();
    let mut of_all_classes = None;
    for question in questions {
        let answers = question.answers(&method.samples, labels)?;
        reports.push(question_report(question, method, &answers, resampling)?);
        of_all_classes.get_or_insert(answers);
    }
    let nothing = || ReportError::Input(NO_QUESTION.to_owned());
    let answers = of_all_classes.ok_or_else(nothing)?;
    let passes = method.samples.iter().map(|samples| samples.passes());
    let report = MethodReport {
        name: method.name.clone(),
        passes: passes.max().unwrap_or(0),
        temperatures: method.temperatures.clone(),
        questions: reports,
    };
    Ok((report, answers))
}

fn question_report(
    question: &ReportQuestion,
    method: &MethodInput,
    answers: &MethodAnswers,
    resampling: &Resampling,
) -> Result<QuestionReport, ReportError> {
    let own_ranges = question.is_of_all_classes().then_some(&method.ranges);
    let normal_or_abnormal = question.is_normal_or_abnormal();
    Ok(QuestionReport {
        key: question.key.clone(),
        title: question.title.clone(),
        classes: question.names.clone(),
        normal_or_abnormal,
        figures: figures(answers, resampling)?,
        confusion: confusion(answers, &question.names, resampling)?,
        roc: match normal_or_abnormal {
            true => roc_rows(answers, resampling)?,
            false => Vec::new(),
        },
        reliability: reliability_rows(answers, resampling)?,
        uncertainty: uncertainties(answers, resampling)?,
        paper: paper_reports(answers, own_ranges, resampling)?,
    })
}
