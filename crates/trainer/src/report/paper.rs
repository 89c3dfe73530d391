//! The paper's table and its three figures for each method, from a report that was written.

use std::path::Path;

use super::tables::{TextTable, estimate, line};
use evaluation::{
    bootstrap::Estimate,
    intervals::Interval,
    report::{
        EvaluationReport, Figure, MethodReport, PaperSide, PartReport, QuestionReport, SideFigure,
    },
};
use uncertainty::Measure;

/// The paper's uncertainties with their names in tables.
const MEASURES: [(Measure, &str); 3] = [
    (Measure::PaperVariance, "variance"),
    (Measure::PaperEntropy, "entropy"),
    (Measure::PaperSampleMean, "sample mean"),
];

/// How to read the tables.
const GUIDE: &str = "Each uncertainty is normalised to 0 to 1 over the evaluated cells. `AUC` is what the paper's code calls AUC: the \
    mean of the positive and the negative predictive value of the cells kept at or below the threshold, abnormal being \
    positive. `wrong` is the share of wrong answers among the cells at or above it. Brackets: 95% intervals, resampled by image.";

/// The question of the paper's table: normal or abnormal where the labels allow it, else all
/// classes.
fn question(method: &MethodReport) -> Option<&QuestionReport> {
    let mut questions = method.questions.iter();
    let binary = questions.find(|question| question.normal_or_abnormal);
    binary.or_else(|| method.questions.first())
}

/// All cells of a part, a row per method.
pub(crate) fn whole_table(part: &PartReport) -> TextTable {
    let row = |method: &MethodReport| {
        let figure = |figure| question(method).and_then(|question| question.figures.get(&figure));
        let wrong = figure(Figure::Accuracy).map(complement);
        vec![
            method.name.clone(),
            method.passes.to_string(),
            estimate(figure(Figure::Auroc)),
            estimate(wrong.as_ref()),
        ]
    };
    TextTable {
        header: ["method", "samples", "AUROC", "wrong"]
            .map(str::to_owned)
            .to_vec(),
        rows: part.methods.iter().map(row).collect(),
    }
}

/// The paper's table: a row per method and uncertainty, two columns per threshold.
pub(crate) fn thresholds_table(part: &PartReport) -> TextTable {
    let mut header = line("method", ["uncertainty".to_owned()]);
    let mut rows = Vec::new();
    for method in &part.methods {
        for (measure, name) in MEASURES {
            let Some(report) = question(method).and_then(|question| question.paper.get(&measure))
            else {
                continue;
            };
            let mut row = vec![method.name.clone(), name.to_owned()];
            for at in &report.thresholds {
                if rows.is_empty() {
                    header.push(format!("AUC ≤ {:.1}", at.threshold));
                    header.push(format!("wrong ≥ {:.1}", at.threshold));
                }
                let accuracy = at.kept_above.figures.get(&SideFigure::Accuracy);
                row.push(kept(&at.kept_below, SideFigure::MeanOfPpvAndNpv));
                row.push(estimate(accuracy.map(complement).as_ref()));
            }
            rows.push(row);
        }
    }
    // A row of one more threshold than the first would break the table; all reports have the same
    // thresholds.
    TextTable { header, rows }
}

fn kept(side: &PaperSide, figure: SideFigure) -> String {
    estimate(side.figures.get(&figure))
}

/// One minus a share.
fn complement(share: &Estimate) -> Estimate {
    Estimate {
        value: share.value.map(|value| 1.0 - value),
        interval: share.interval.map(|interval| Interval {
            low: 1.0 - interval.high,
            high: 1.0 - interval.low,
        }),
        undefined: share.undefined,
    }
}

/// Tables and figures as one page; `folder` is where the report was written, and where the figures
/// are.
pub(crate) fn page(report: &EvaluationReport, folder: &Path) -> String {
    let mut page = format!("# {}\n\n{}\n", report.title, report.disclaimer);
    for (name, value) in &report.facts {
        page += &format!("\n- {name}: {value}");
    }
    page += &format!("\n\n{GUIDE}\n");
    for (number, part) in report.parts.iter().enumerate() {
        page += &format!(
            "\n## {}: {} cells of {} images\n\n{}\n\n",
            part.name, part.cells, part.images, part.note
        );
        page += &(whole_table(part).markdown() + "\n" + &thresholds_table(part).markdown());
        for (method, of) in part.methods.iter().enumerate() {
            page += &format!("\n### {}\n\n", of.name);
            for (measure, name) in MEASURES {
                page += &match figure_file(number, (method, of), measure, folder) {
                    Some(file) => format!("![{}, {name}]({file})\n", of.name),
                    None => format!("No figure of {name}: it is undefined for one sample.\n"),
                };
            }
        }
    }
    page
}

/// How many of the figures of a report exist.
pub(crate) fn figure_count(report: &EvaluationReport, folder: &Path) -> usize {
    let parts = report.parts.iter().enumerate();
    parts
        .flat_map(|(number, part)| {
            let methods = part.methods.iter().enumerate();
            methods.flat_map(move |method| {
                MEASURES
                    .iter()
                    .filter_map(move |(measure, _)| figure_file(number, method, *measure, folder))
            })
        })
        .count()
}

/// The file of one figure, relative to the report's folder, as `write_report` names it; none when
/// it was not drawn.
fn figure_file(
    part: usize,
    (number, method): (usize, &MethodReport),
    measure: Measure,
    folder: &Path,
) -> Option<String> {
    let name = format!(
        "plots/part{}-ranges-{}-{}-{}-{}.svg",
        part + 1,
        question(method)?.key,
        measure.name(),
        number + 1,
        method.name
    );
    let name = name.replace('_', "-");
    folder.join(&name).is_file().then_some(name)
}
