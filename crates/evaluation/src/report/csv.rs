//! The report as two tables: one row per figure, and one per cell.

use serde::Serialize;
use serde_json::Value;

use super::{
    EvaluationReport, MethodReport, PaperRange, PartInput, PartReport, QuestionReport, ReportError,
    ReportInput, RiskAtCoverage,
    error::NO_QUESTION,
    question::{MethodAnswers, questions},
};
use crate::bootstrap::Estimate;
use uncertainty::Measure;

/// Rows of text; the first names the columns.
pub(super) type CsvRows = Vec<Vec<String>>;

/// One row per (part, method, figure) with value, low and high; empty if undefined. The figure is a
/// path such as `abnormal.auroc` or `classes.predictive_entropy.aurc`.
pub(super) fn figure_rows(report: &EvaluationReport) -> CsvRows {
    let mut rows = FigureRows(vec![header(&[
        "part", "method", "figure", "value", "low", "high",
    ])]);
    for part in &report.parts {
        for method in &part.methods {
            rows.push_method(part, method);
        }
    }
    for report in &report.policies {
        let policy = &report.policy;
        for (figure, estimate) in [("coverage", &report.coverage), ("risk", &report.risk)] {
            let path = format!("policy.{}.{figure}", policy.name);
            rows.push((&policy.part, &policy.method), path, estimate);
        }
    }
    for set in &report.out_of_distribution {
        let auroc = set.auroc.iter().map(|auroc| ("auroc", auroc));
        for (figure, estimate) in auroc.chain([("flagged", &set.flagged)]) {
            let path = format!("out_of_distribution.{figure}");
            rows.push((&set.name, ""), path, estimate);
        }
    }
    rows.0
}

/// One row per (part, method, cell): the answer over all classes and every measure; empty if
/// undefined.
pub(super) fn cell_rows(input: &ReportInput) -> Result<CsvRows, ReportError> {
    let names = [
        "part",
        "method",
        "cell_id",
        "image_id",
        "label",
        "predicted",
        "probability",
        "abnormal_probability",
    ];
    let mut columns = header(&names);
    columns.extend(Measure::ALL.iter().map(|measure| measure.name().to_owned()));
    let mut rows = vec![columns];
    let all_classes = questions(input).into_iter().next();
    let nothing = || ReportError::Input(NO_QUESTION.to_owned());
    let question = all_classes.ok_or_else(nothing)?;
    for part in &input.parts {
        let labels: Vec<usize> = part.cells.iter().map(|cell| cell.label).collect();
        for method in &part.methods {
            let answers = question.answers(&method.samples, &labels)?;
            let row = |cell| cell_row(input, part, &method.name, &answers, cell);
            rows.extend((0..part.cells.len()).filter_map(row));
        }
    }
    Ok(rows)
}

fn cell_row(
    input: &ReportInput,
    part: &PartInput,
    method: &str,
    answers: &MethodAnswers,
    row: usize,
) -> Option<Vec<String>> {
    let (cell, summary) = (part.cells.get(row)?, answers.summaries.get(row)?);
    let name = |class: usize| {
        let label = input.labels.get(class);
        label.map(|label| label.name.clone()).unwrap_or_default()
    };
    let abnormal = answers.abnormal.iter();
    let abnormal: f64 = abnormal.filter_map(|class| summary.mean.get(*class)).sum();
    let mut columns = vec![
        part.name.clone(),
        method.to_owned(),
        cell.cell_id.clone(),
        cell.image_id.clone(),
        name(cell.label),
        name(summary.predicted),
        summary.confidence.to_string(),
        abnormal.to_string(),
    ];
    let measures = Measure::ALL.iter();
    columns.extend(measures.map(|measure| number(measure.of(summary))));
    Some(columns)
}

struct FigureRows(CsvRows);

impl FigureRows {
    fn push(&mut self, (part, method): (&str, &str), figure: String, estimate: &Estimate) {
        let interval = estimate.interval;
        self.0.push(vec![
            part.to_owned(),
            method.to_owned(),
            figure,
            number(estimate.value),
            number(interval.map(|interval| interval.low)),
            number(interval.map(|interval| interval.high)),
        ]);
    }

    fn push_method(&mut self, part: &PartReport, method: &MethodReport) {
        let of = (part.name.as_str(), method.name.as_str());
        for question in &method.questions {
            for (figure, estimate) in &question.figures {
                self.push(
                    of,
                    format!("{}.{}", question.key, name_of(figure)),
                    estimate,
                );
            }
            self.push_classes(of, question);
            self.push_uncertainty(of, question);
            self.push_paper(of, question);
        }
    }

    fn push_classes(&mut self, of: (&str, &str), question: &QuestionReport) {
        for class in &question.confusion.classes {
            for (figure, estimate) in class.named() {
                let path = format!("{}.class.{}.{figure}", question.key, class.name);
                self.push(of, path, estimate);
            }
        }
    }

    fn push_uncertainty(&mut self, of: (&str, &str), question: &QuestionReport) {
        for (measure, report) in &question.uncertainty {
            let key = |figure: &str| format!("{}.{measure}.{figure}", question.key);
            for (figure, estimate) in report.named() {
                self.push(of, key(figure), estimate);
            }
            for RiskAtCoverage { coverage, risk } in &report.risk_coverage {
                self.push(of, key(&format!("risk_at_coverage_{coverage:.2}")), risk);
            }
        }
    }

    fn push_paper(&mut self, of: (&str, &str), question: &QuestionReport) {
        for (measure, report) in &question.paper {
            let key = |figure: &str| format!("{}.{measure}.{figure}", question.key);
            for PaperRange {
                low,
                high,
                accuracy,
                ..
            } in &report.ranges
            {
                let figure = format!("accuracy_in_{low:.1}_to_{high:.1}");
                self.push(of, key(&figure), accuracy);
            }
            for of_threshold in &report.thresholds {
                let threshold = of_threshold.threshold;
                let sides = [
                    ("below", &of_threshold.kept_below),
                    ("above", &of_threshold.kept_above),
                ];
                for (name, side) in sides {
                    for (figure, estimate) in &side.figures {
                        let figure = format!("kept_{name}_{threshold:.1}.{}", name_of(figure));
                        self.push(of, key(&figure), estimate);
                    }
                }
            }
        }
    }
}

fn header(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The name of a figure as serde writes it.
fn name_of(figure: &impl Serialize) -> String {
    match serde_json::to_value(figure) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    }
}

fn number(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}
