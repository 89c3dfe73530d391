//! An evaluation as tables, for the terminal and for Markdown.

use comfy_table::Table;

use super::summary::{EvaluatedMethod, EvaluatedPart, EvaluatedQuestion, EvaluatedSet, Worth};
use crate::{calibrate::unlike::TriedLayer, data::views::Alteration};
use bundle::Method;
use evaluation::{
    bootstrap::Estimate,
    report::{Figure, PolicyReport},
};
use uncertainty::Measure;

/// Rows of text under a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TextTable {
    /// Titles of the columns.
    pub header: Vec<String>,
    /// The rows, as long as the header.
    pub rows: Vec<Vec<String>>,
}

impl TextTable {
    /// With borders, for a terminal.
    pub(crate) fn terminal(&self) -> String {
        let mut table = Table::new();
        table.load_preset(comfy_table::presets::ASCII_NO_BORDERS);
        table.remove_style(comfy_table::TableComponent::HorizontalLines);
        table.remove_style(comfy_table::TableComponent::MiddleIntersections);
        table.set_header(&self.header);
        table.add_rows(&self.rows);
        table.to_string()
    }

    /// The table with a name before the titles of all columns but the first.
    pub(crate) fn with_columns_of(mut self, name: &str) -> Self {
        for title in self.header.iter_mut().skip(1) {
            *title = format!("{name}, {title}");
        }
        self
    }

    /// The table with the columns of another table of the same rows.
    pub(crate) fn beside(mut self, other: &Self) -> Self {
        self.header.extend(other.header.iter().skip(1).cloned());
        for (row, more) in self.rows.iter_mut().zip(&other.rows) {
            row.extend(more.iter().skip(1).cloned());
        }
        self
    }

    /// As Markdown.
    pub(crate) fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = format!("|{}\n", "---|".repeat(self.header.len()));
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        line(&self.header) + &rule + &rows
    }
}

/// How well each layer separates altered from original cells.
pub(crate) fn layers_table(layers: &[TriedLayer]) -> TextTable {
    let row = |layer: &TriedLayer| {
        let name = format!("residual addition {}", layer.addition);
        line(
            name,
            layer.auroc.values().map(|auroc| format!("{auroc:.3}")),
        )
    };
    let alterations = Alteration::ALL.map(|alteration| alteration.name().to_owned());
    TextTable {
        header: line("AUROC by layer", alterations),
        rows: layers.iter().map(row).collect(),
    }
}

/// The figures of the answers, a column per method, question after question.
pub(crate) fn figures_table(part: &EvaluatedPart) -> TextTable {
    let first = part.methods.first();
    let questions = first.map_or(0, |method| method.questions.len());
    let rows = (0..questions).flat_map(|question| question_rows(part, question));
    TextTable {
        header: header("figure", part),
        rows: rows.collect(),
    }
}

fn question_rows(part: &EvaluatedPart, question: usize) -> Vec<Vec<String>> {
    let asked = |method: &'_ EvaluatedMethod| method.questions.get(question).cloned();
    let Some(first) = part.methods.first().and_then(asked) else {
        return Vec::new();
    };
    let row = |title: String, of: &dyn Fn(&EvaluatedQuestion) -> Option<Estimate>| {
        let cell = |method: &EvaluatedMethod| method.questions.get(question).and_then(of);
        let methods = part.methods.iter();
        let cells = methods.map(|method| estimate(cell(method).as_ref()));
        line(format!("{}: {title}", first.title), cells)
    };
    let by_entropy = |question: &EvaluatedQuestion| {
        let of_measure = &question.uncertainty;
        of_measure.get(&Measure::PredictiveEntropy).copied()
    };
    let mut rows: Vec<Vec<String>> = Figure::ALL
        .into_iter()
        .map(|figure| {
            let of = |question: &EvaluatedQuestion| question.figures.get(&figure).copied();
            row(figure.title(first.classes).to_owned(), &of)
        })
        .collect();
    let surest = |question: &EvaluatedQuestion| Some(by_entropy(question)?.accuracy_of_surest_80);
    let errors = |question: &EvaluatedQuestion| Some(by_entropy(question)?.auroc_misprediction);
    rows.push(row(
        "accuracy of the most certain 80% (by predictive entropy)".to_owned(),
        &surest,
    ));
    rows.push(row(
        "AUROC of misprediction (by predictive entropy)".to_owned(),
        &errors,
    ));
    rows
}

/// The AUROC of misprediction of each measure over all classes, a column per method.
pub(crate) fn misprediction_table(part: &EvaluatedPart) -> TextTable {
    worth_table("AUROC of misprediction by", part, |worth| {
        worth.auroc_misprediction
    })
}

/// The area under the risk–coverage curve of each measure over all classes, a column per method;
/// smaller is better.
pub(crate) fn aurc_table(part: &EvaluatedPart) -> TextTable {
    worth_table("AURC (smaller is better) by", part, |worth| worth.aurc)
}

fn worth_table(title: &str, part: &EvaluatedPart, of: impl Fn(&Worth) -> Estimate) -> TextTable {
    let worth = |method: &EvaluatedMethod, measure| {
        method.questions.first()?.uncertainty.get(&measure).map(&of)
    };
    let row = |measure: Measure| {
        let methods = part.methods.iter();
        let cells = methods.map(|method| estimate(worth(method, measure).as_ref()));
        line(measure.name(), cells)
    };
    TextTable {
        header: header(title, part),
        rows: Measure::ALL.into_iter().map(row).collect(),
    }
}

/// The counts of one method, a row per true class.
pub(crate) fn confusion_table(labels: &[String], method: &EvaluatedMethod) -> TextTable {
    let row = |(label, counts): (&String, &Vec<usize>)| {
        line(label.clone(), counts.iter().map(usize::to_string))
    };
    let counts = method.questions.first();
    let counts = counts.map(|question| question.confusion.as_slice());
    let rows = labels.iter().zip(counts.unwrap_or_default());
    TextTable {
        header: line("true class ↓, answered →", labels.iter().cloned()),
        rows: rows.map(row).collect(),
    }
}

/// The policies of one method: their certificates, and their results on a part.
pub(crate) fn policies_table(policies: &[PolicyReport], method: Method, part: &str) -> TextTable {
    let of_part = policies.iter().filter(|report| {
        let policy = &report.policy;
        policy.method == method.name() && policy.part == part
    });
    let row = |report: &PolicyReport| {
        let policy = &report.policy;
        let threshold = policy
            .threshold
            .map_or("refer all".to_owned(), |threshold| {
                format!("{threshold:.3}")
            });
        let certificate = policy.certificate.as_ref();
        let further = policy
            .further_images
            .map(|images| format!("{images} more images needed"));
        let certified = certificate.map(|certificate| {
            format!(
                "{:.0}% of {} cells, p = {:.3}",
                100.0 * certificate.coverage,
                certificate.cells,
                certificate.p_value
            )
        });
        let promised = if policy.threshold.is_some() {
            certified
        } else {
            further
        };
        vec![
            policy.name.clone(),
            threshold,
            promised.unwrap_or_else(|| "not reachable with more images".to_owned()),
            estimate(Some(&report.coverage)),
            format!("{} of {}", report.harmed, report.counted),
        ]
    };
    let titles = [
        "policy",
        "threshold",
        "accepted of the calibration cells",
        &format!("accepted, {part}"),
        &format!("mistakes, {part}"),
    ];
    TextTable {
        header: titles.map(str::to_owned).to_vec(),
        rows: of_part.map(row).collect(),
    }
}

/// How well other pictures are separated from the cells of the folds.
pub(crate) fn unlike_table(sets: &[EvaluatedSet]) -> TextTable {
    let row = |set: &EvaluatedSet| {
        vec![
            set.name.clone(),
            set.items.to_string(),
            set.auroc
                .as_ref()
                .map_or("–".to_owned(), |auroc| estimate(Some(auroc))),
            estimate(Some(&set.flagged)),
        ]
    };
    let titles = [
        "pictures",
        "number",
        "AUROC against the cells of the folds",
        "share with p < .05",
    ];
    TextTable {
        header: titles.map(str::to_owned).to_vec(),
        rows: sets.iter().map(row).collect(),
    }
}

fn header(title: &str, part: &EvaluatedPart) -> Vec<String> {
    let method = |method: &EvaluatedMethod| format!("{} (T = {})", method.name, method.passes);
    line(title, part.methods.iter().map(method))
}

/// A row: its name, then its cells.
pub(crate) fn line(
    first: impl Into<String>,
    cells: impl IntoIterator<Item = String>,
) -> Vec<String> {
    std::iter::once(first.into()).chain(cells).collect()
}

/// A difference with its sign and its interval, to four places: seeds alone move an AUROC by .005.
pub(super) fn signed_estimate(estimate: Option<&Estimate>) -> String {
    let found = estimate.and_then(|of| Some((of.value?, of.interval?)));
    let Some((value, interval)) = found else {
        return "undefined".to_owned();
    };
    format!("{value:+.4} [{:+.4}, {:+.4}]", interval.low, interval.high)
}

/// Such as `0.912 [0.88, 0.94]`.
pub(super) fn estimate(estimate: Option<&Estimate>) -> String {
    let Some((value, estimate)) = estimate.and_then(|estimate| Some((estimate.value?, estimate)))
    else {
        return "undefined".to_owned();
    };
    match &estimate.interval {
        Some(interval) => format!("{value:.3} [{:.2}, {:.2}]", interval.low, interval.high),
        None => format!("{value:.3}"),
    }
}
