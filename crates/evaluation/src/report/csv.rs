//! The report as two tables: one row per figure, and one per cell.

use super::{
    EvaluationReport, MethodReport, PaperSide, PartInput, PartReport, QuestionReport, ReportError,
    ReportInput, SideFigure,
    question::{MethodAnswers, questions},
};
use crate::bootstrap::Estimate;
use uncertainty::Measure;

/// Rows of text; the first names the columns.
pub(super) type CsvRows = Vec<Vec<String>>;

/// One row per (part, method, figure) with value, low and high; empty where undefined. The figure is a path such as
/// `abnormal.auroc` or `classes.predictive_entropy.aurc`.
pub(super) fn figure_rows(report: &EvaluationReport) -> CsvRows {
    let mut rows = FigureRows(vec![header(&[
        "part", "method", "figure", "value", "low", "high",
    ])]);
    for part in &report.parts {
        for method in &part.methods {
            rows.push_method(part, method);
        }
    }
    for policy in &report.policies {
        let key = |figure: &str| format!("policy.{}.{figure}", policy.policy.name);
        rows.push(
            (&policy.policy.part, &policy.policy.method),
            key("coverage"),
            &policy.coverage,
        );
        rows.push(
            (&policy.policy.part, &policy.policy.method),
            key("risk"),
            &policy.risk,
        );
    }
    for set in &report.out_of_distribution {
        if let Some(auroc) = &set.auroc {
            rows.push(
                (&set.name, ""),
                "out_of_distribution.auroc".to_owned(),
                auroc,
            );
        }
        rows.push(
            (&set.name, ""),
            "out_of_distribution.flagged".to_owned(),
            &set.flagged,
        );
    }
    rows.0
}

/// One row per (part, method, cell): the answer to the question of all classes and every measure; empty where undefined.
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
    let question = all_classes.ok_or_else(|| ReportError::Input("nothing is asked".to_owned()))?;
    for part in &input.parts {
        let labels: Vec<usize> = part.cells.iter().map(|cell| cell.label).collect();
        for method in &part.methods {
            let answers = question.answers(&method.samples, &labels)?;
            rows.extend(
                (0..part.cells.len())
                    .filter_map(|cell| cell_row(input, part, &method.name, &answers, cell)),
            );
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
        input
            .labels
            .get(class)
            .map(|label| label.name.clone())
            .unwrap_or_default()
    };
    let abnormal: f64 = answers
        .abnormal
        .iter()
        .filter_map(|class| summary.mean.get(*class))
        .sum();
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
    columns.extend(
        Measure::ALL
            .iter()
            .map(|measure| number(measure.of(summary))),
    );
    Some(columns)
}

struct FigureRows(CsvRows);

impl FigureRows {
    fn push(&mut self, (part, method): (&str, &str), figure: String, estimate: &Estimate) {
        let (low, high) = estimate.interval.map_or((None, None), |interval| {
            (Some(interval.low), Some(interval.high))
        });
        self.0.push(vec![
            part.to_owned(),
            method.to_owned(),
            figure,
            number(estimate.value),
            number(low),
            number(high),
        ]);
    }

    fn push_method(&mut self, part: &PartReport, method: &MethodReport) {
        let of = (part.name.as_str(), method.name.as_str());
        for question in &method.questions {
            for (figure, estimate) in &question.figures {
                self.push(of, format!("{}.{}", question.key, figure.name()), estimate);
            }
            self.push_classes(of, question);
            self.push_uncertainty(of, question);
            self.push_paper(of, question);
        }
    }

    fn push_classes(&mut self, of: (&str, &str), question: &QuestionReport) {
        for class in &question.confusion.classes {
            let key = |figure: &str| format!("{}.class.{}.{figure}", question.key, class.name);
            self.push(of, key("recall"), &class.recall);
            self.push(of, key("specificity"), &class.specificity);
            self.push(of, key("precision"), &class.precision);
            self.push(
                of,
                key("negative_predictive_value"),
                &class.negative_predictive_value,
            );
            self.push(of, key("auroc"), &class.auroc);
        }
    }

    fn push_uncertainty(&mut self, of: (&str, &str), question: &QuestionReport) {
        for (measure, report) in &question.uncertainty {
            let key = |figure: &str| format!("{}.{measure}.{figure}", question.key);
            self.push(of, key("auroc_misprediction"), &report.auroc_misprediction);
            self.push(of, key("aurc"), &report.aurc);
            self.push(of, key("excess_aurc"), &report.excess_aurc);
            self.push(of, key("augrc"), &report.augrc);
            self.push(
                of,
                key("accuracy_of_surest_80"),
                &report.accuracy_of_surest_80,
            );
            for point in &report.risk_coverage {
                self.push(
                    of,
                    key(&format!("risk_at_coverage_{:.2}", point.coverage)),
                    &point.risk,
                );
            }
        }
    }

    fn push_paper(&mut self, of: (&str, &str), question: &QuestionReport) {
        for (measure, report) in &question.paper {
            let key = |figure: &str| format!("{}.{measure}.{figure}", question.key);
            for range in &report.ranges {
                self.push(
                    of,
                    key(&format!(
                        "accuracy_in_{:.1}_to_{:.1}",
                        range.low, range.high
                    )),
                    &range.accuracy,
                );
            }
            for threshold in &report.thresholds {
                let sides: [(&str, &PaperSide); 2] = [
                    ("below", &threshold.kept_below),
                    ("above", &threshold.kept_above),
                ];
                for (name, side) in sides {
                    for figure in SideFigure::ALL {
                        let Some(estimate) = side.figures.get(&figure) else {
                            continue;
                        };
                        let path =
                            format!("kept_{name}_{:.1}.{}", threshold.threshold, figure.name());
                        self.push(of, key(&path), estimate);
                    }
                }
            }
        }
    }
}

fn header(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn number(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}
