//! The top of the page (model, methods side by side, how to read an interval), and the list of
//! files at its end.

use maud::html;

use super::{
    elements::{Table, capitalised, decimal, estimate, text},
    page::Page,
    part::questions,
};
use crate::{
    bootstrap::Estimate,
    report::{
        EvaluationReport, Figure, MethodReport, PartReport, QuestionReport, UncertaintyReport,
        resampling::UNDEFINED,
    },
};
use uncertainty::Measure;

pub(super) fn write(page: &mut Page, report: &EvaluationReport) {
    page.heading(2, "overview", "Summary");
    for part in &report.parts {
        page.paragraph(&sentences(part).join(" "));
    }
    page.guide(&format!(
        "Every figure has a {:.0}% interval in brackets: the range expected if other images of the \
         same kind had been drawn ({} resamples of whole images, seed {}; whole images because \
         cells of one image resemble each other). If the intervals of two methods overlap widely, \
         neither is shown to be better. Bold marks the best value of a row. A dagger † means that \
         the figure was undefined in some resamples; “undefined” means that it cannot be computed, \
         for example because a class has no cells. An interval of zero width, such as [0, 0], only \
         means that all these cells gave the same result. For a coarser question such as normal vs \
         abnormal, the probabilities of its classes are summed first, and the uncertainty is that \
         of the sums.",
        100.0 * report.confidence,
        report.resamples,
        report.seed,
    ));
    for part in &report.parts {
        page.table(&comparison(part));
    }
    if !report.facts.is_empty() {
        let mut facts = Table::new("Evaluated model".to_owned(), &["fact", "value"]);
        for (name, value) in &report.facts {
            facts.row(text(name), [html! { span.fact { (value) } }]);
        }
        page.table(&facts);
    }
}

pub(super) fn write_files(page: &mut Page, report: &EvaluationReport) {
    page.heading(2, "files", "Data files");
    page.paragraph(&format!(
        "The folder of this page also has report.json (every number of this page), figures.csv (a \
         row per part, method and figure, with value, low and high), cells.csv (a row per cell and \
         method, with the answer and every measure) and plots/ (each plot as an SVG file). \
         Undefined numbers are null in JSON and empty in CSV. Written by {}.",
        report.software,
    ));
}

/// The main results of a part, as sentences.
fn sentences(part: &PartReport) -> Vec<String> {
    let mut sentences = vec![format!(
        "{}: {} cells from {} images, answered by {} methods. {}",
        capitalised(&part.name),
        part.cells,
        part.images,
        part.methods.len(),
        part.note
    )];
    let auroc = |method: &MethodReport| {
        let figures = &normal_or_abnormal(method)?.figures;
        figures.get(&Figure::Auroc)?.value
    };
    if let Some((method, value)) = largest(part, auroc) {
        sentences.push(format!(
            "{method} separates normal from abnormal cells best: a random abnormal cell gets a \
             higher abnormal probability than a random normal one in {:.1}% of pairs (AUROC {}).",
            100.0 * value,
            decimal(value),
        ));
    }
    let surest = |method: &MethodReport| {
        let entropy = entropy_report(normal_or_abnormal(method)?)?;
        entropy.accuracy_of_surest_80.value
    };
    if let Some((method, value)) = largest(part, surest) {
        sentences.push(format!(
            "If only the most certain 80% of cells are answered, {method} is right about “normal \
             or abnormal?” for {:.1}% of them.",
            100.0 * value,
        ));
    }
    sentences
}

fn comparison(part: &PartReport) -> Table {
    let caption = format!(
        "Methods side by side, {}: {} cells from {} images",
        part.name, part.cells, part.images
    );
    let mut table = Table::new(caption, &["figure"]);
    let column = |method: &MethodReport| format!("{} (T = {})", method.name, method.passes);
    table.columns(part.methods.iter().map(column));
    for (index, first) in questions(part) {
        let methods = part.methods.iter();
        let asked = methods.filter_map(|method| method.questions.get(index));
        let asked: Vec<&QuestionReport> = asked.collect();
        table.group(&first.title);
        for figure in Figure::ALL {
            let of = |question: &&QuestionReport| question.figures.get(&figure).copied();
            let title = figure.title(first.classes.len());
            let row = (title, figure.larger_is_better());
            compare(&mut table, row, asked.iter().map(of));
        }
        for (title, larger_is_better, of) in ENTROPY_FIGURES {
            let reports = asked.iter().map(|question| entropy_report(question));
            let estimates = reports.map(|report| report.map(of));
            compare(&mut table, (title, larger_is_better), estimates);
        }
    }
    table
}

/// A row of a comparison: its title, whether larger is better, and the value.
pub(super) type ComparedFigure = (&'static str, bool, fn(&UncertaintyReport) -> Estimate);

/// Figures of the default measure.
const ENTROPY_FIGURES: [ComparedFigure; 4] = [
    (
        "accuracy of the most certain 80%, by predictive entropy",
        true,
        |report| report.accuracy_of_surest_80,
    ),
    (
        "AUROC of misprediction, by predictive entropy",
        true,
        |report| report.auroc_misprediction,
    ),
    ("AURC, by predictive entropy", false, |report| report.aurc),
    ("AUGRC, by predictive entropy", false, |report| report.augrc),
];

/// Adds a row of estimates with the best one in bold.
pub(super) fn compare(
    table: &mut Table,
    (title, larger_is_better): (&str, bool),
    estimates: impl Iterator<Item = Option<Estimate>>,
) {
    let estimates: Vec<Estimate> = estimates.map(|found| found.unwrap_or(UNDEFINED)).collect();
    let values = || estimates.iter().filter_map(|estimate| estimate.value);
    let best = match larger_is_better {
        true => values().fold(f64::NEG_INFINITY, f64::max),
        false => values().fold(f64::INFINITY, f64::min),
    };
    let several = values().count() > 1;
    let cell = |found: &Estimate| match several && found.value == Some(best) {
        true => html! { strong { (estimate(found)) } },
        false => estimate(found),
    };
    let arrow = if larger_is_better { "↑" } else { "↓" };
    let name = html! { (title) " " span.arrow { (arrow) } };
    table.row(name, estimates.iter().map(cell));
}

fn largest(part: &PartReport, of: impl Fn(&MethodReport) -> Option<f64>) -> Option<(&str, f64)> {
    let methods = part.methods.iter();
    let values = methods.filter_map(|method| Some((method.name.as_str(), of(method)?)));
    values.max_by(|left, right| left.1.total_cmp(&right.1))
}

fn normal_or_abnormal(method: &MethodReport) -> Option<&QuestionReport> {
    let mut questions = method.questions.iter();
    questions.find(|question| question.normal_or_abnormal)
}

fn entropy_report(question: &QuestionReport) -> Option<&UncertaintyReport> {
    question.uncertainty.get(&Measure::PredictiveEntropy)
}
