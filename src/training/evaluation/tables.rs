//! An evaluation as tables, for the terminal and for Markdown.

use comfy_table::Table;

use crate::training::{
    calibration::{alterations::Alteration, unlike::Layer},
    evaluation::evaluate::EvaluatedPart,
    evaluation::figures::{Figure, MethodFigures},
};
use crate::{bundle::Method, evaluation::bootstrap::Estimate, uncertainty::Measure};

/// Rows of text under a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextTable {
    /// Titles of the columns.
    pub header: Vec<String>,
    /// The rows, as long as the header.
    pub rows: Vec<Vec<String>>,
}

impl TextTable {
    /// With lines, for a terminal.
    pub fn terminal(&self) -> String {
        let mut table = Table::new();
        table.load_preset(comfy_table::presets::ASCII_NO_BORDERS);
        table.remove_style(comfy_table::TableComponent::HorizontalLines);
        table.remove_style(comfy_table::TableComponent::MiddleIntersections);
        table.set_header(&self.header);
        table.add_rows(&self.rows);
        table.to_string()
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = format!("|{}\n", "---|".repeat(self.header.len()));
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        line(&self.header) + &rule + &rows
    }
}

/// How well each layer tells altered cells from the same cells as they are.
pub fn layers_table(layers: &[Layer]) -> TextTable {
    let row = |layer: &Layer| {
        let name = format!("residual addition {}", layer.addition);
        let aurocs = layer.auroc.values().map(|auroc| format!("{auroc:.3}"));
        std::iter::once(name).chain(aurocs).collect()
    };
    let alterations = Alteration::ALL.map(|alteration| alteration.name().to_owned());
    TextTable {
        header: std::iter::once("AUROC by layer".to_owned())
            .chain(alterations)
            .collect(),
        rows: layers.iter().map(row).collect(),
    }
}

/// The figures of the answers, a column per method.
pub fn figures_table(part: &EvaluatedPart) -> TextTable {
    let row = |figure: Figure| {
        let cell = |method: &MethodFigures| {
            method
                .figures
                .get(&figure)
                .map(estimate)
                .unwrap_or_default()
        };
        std::iter::once(figure.title().to_owned())
            .chain(part.methods.values().map(cell))
            .collect()
    };
    TextTable {
        header: header("figure", part),
        rows: Figure::ALL.into_iter().map(row).collect(),
    }
}

/// The AUROC of misprediction of each measure, a column per method.
pub fn misprediction_table(part: &EvaluatedPart) -> TextTable {
    uncertainty_table("AUROC of misprediction by", part, |figures| {
        &figures.auroc_misprediction
    })
}

/// The area under the risk–coverage curve of each measure, a column per method; smaller is better.
pub fn aurc_table(part: &EvaluatedPart) -> TextTable {
    uncertainty_table("AURC (smaller is better) by", part, |figures| &figures.aurc)
}

fn uncertainty_table(
    title: &str,
    part: &EvaluatedPart,
    of: impl Fn(&crate::training::evaluation::figures::UncertaintyFigures) -> &Estimate,
) -> TextTable {
    let row = |measure: Measure| {
        let cell = |method: &MethodFigures| {
            method
                .uncertainty
                .get(&measure)
                .map(|figures| estimate(of(figures)))
        };
        let cells = part
            .methods
            .values()
            .map(|method| cell(method).unwrap_or_else(|| "undefined".to_owned()));
        std::iter::once(measure.name().to_owned())
            .chain(cells)
            .collect()
    };
    TextTable {
        header: header(title, part),
        rows: Measure::ALL.into_iter().map(row).collect(),
    }
}

/// The counts of one method, a row per true class.
pub fn confusion_table(labels: &[String], figures: &MethodFigures) -> TextTable {
    let header = std::iter::once("true class ↓, answered →".to_owned())
        .chain(labels.iter().cloned())
        .collect();
    let row = |(label, counts): (&String, &Vec<usize>)| {
        std::iter::once(label.clone())
            .chain(counts.iter().map(usize::to_string))
            .collect()
    };
    TextTable {
        header,
        rows: labels
            .iter()
            .zip(figures.confusion.counts())
            .map(row)
            .collect(),
    }
}

fn header(title: &str, part: &EvaluatedPart) -> Vec<String> {
    let method =
        |(method, figures): (&Method, &MethodFigures)| format!("{method} (T = {})", figures.passes);
    std::iter::once(title.to_owned())
        .chain(part.methods.iter().map(method))
        .collect()
}

/// Such as `0.912 [0.88, 0.94]`.
fn estimate(estimate: &Estimate) -> String {
    let Some(value) = estimate.value else {
        return "undefined".to_owned();
    };
    match &estimate.interval {
        Some(interval) => format!("{value:.3} [{:.2}, {:.2}]", interval.low, interval.high),
        None => format!("{value:.3}"),
    }
}
