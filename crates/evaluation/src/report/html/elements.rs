//! Tables and numbers.

use crate::{
    bootstrap::Estimate,
    plots::{Share, escape},
};
use uncertainty::Measure;

/// A table with a caption. Cells hold markup that is already safe; names go through [`text`].
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub caption: String,
    pub header: Vec<String>,
    pub rows: Vec<Row>,
    /// Whether intervals stand under their values, to save width.
    pub stacked: bool,
}

/// A row of a table.
#[derive(Clone, Debug)]
pub(super) enum Row {
    /// A heading over the following rows.
    Group(String),
    /// A name and its cells.
    Cells(Vec<String>),
}

impl Table {
    pub(super) fn new(caption: &str, header: &[&str]) -> Table {
        Table {
            caption: caption.to_owned(),
            header: header.iter().map(|title| (*title).to_owned()).collect(),
            rows: Vec::new(),
            stacked: false,
        }
    }

    pub(super) fn group(&mut self, title: &str) {
        self.rows.push(Row::Group(title.to_owned()));
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(Row::Cells(cells));
    }

    pub(super) fn html(&self) -> String {
        let titles = self
            .header
            .iter()
            .map(|title| format!("<th scope=\"col\">{}</th>", escape(title)));
        let header: String = titles.collect();
        let rows: String = self
            .rows
            .iter()
            .map(|row| row.html(self.header.len()))
            .collect();
        let class = if self.stacked {
            " class=\"stacked\""
        } else {
            ""
        };
        format!(
            "<div class=\"scroll\" tabindex=\"0\"><table{class}><caption><span>{}</span></caption><thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table></div>",
            escape(&self.caption),
        )
    }
}

impl Row {
    fn html(&self, columns: usize) -> String {
        match self {
            Row::Group(title) => {
                format!(
                    "<tr class=\"group\"><th colspan=\"{columns}\" scope=\"colgroup\">{}</th></tr>",
                    escape(title)
                )
            }
            Row::Cells(cells) => {
                let cell = |(index, cell): (usize, &String)| match index {
                    0 => format!("<th scope=\"row\">{cell}</th>"),
                    _ => format!("<td>{cell}</td>"),
                };
                let cells: String = cells.iter().enumerate().map(cell).collect();
                format!("<tr>{cells}</tr>")
            }
        }
    }
}

/// Text from outside, made safe.
pub(super) fn text(text: &str) -> String {
    escape(text)
}

/// Such as `0.912 [0.883, 0.926]`; `undefined` where it is.
pub(super) fn estimate(estimate: &Estimate) -> String {
    let Some(value) = estimate.value else {
        return "<span class=\"undefined\">undefined</span>".to_owned();
    };
    let interval = match estimate.interval {
        Some(interval) => format!("[{}, {}]", decimal(interval.low), decimal(interval.high)),
        None => "no interval".to_owned(),
    };
    let dagger = if estimate.interval.is_some() && estimate.undefined > 0 {
        "†"
    } else {
        ""
    };
    format!(
        "{} <span class=\"interval\">{interval}{dagger}</span>",
        decimal(value)
    )
}

/// Such as `0.912 [0.883, 0.926]` in a plot.
pub(super) fn plain_estimate(name: &str, estimate: &Estimate) -> String {
    match (estimate.value, estimate.interval) {
        (None, _) => format!("{name} undefined"),
        (Some(value), None) => format!("{name} {}", decimal(value)),
        (Some(value), Some(interval)) => {
            format!(
                "{name} {} [{}, {}]",
                decimal(value),
                decimal(interval.low),
                decimal(interval.high)
            )
        }
    }
}

/// Three decimals, four below 0.1.
pub(super) fn decimal(value: f64) -> String {
    if value != 0.0 && value.abs() < 0.1 {
        format!("{value:.4}")
    } else {
        format!("{value:.3}")
    }
}

/// An estimate as plots take it.
pub(super) fn share(estimate: &Estimate) -> Option<Share> {
    Some(Share {
        value: estimate.value?,
        interval: estimate
            .interval
            .map(|interval| (interval.low, interval.high)),
    })
}

/// A measure's name with its unit.
pub(super) fn measure_title(measure: Measure) -> &'static str {
    match measure {
        Measure::PredictiveEntropy => "predictive entropy (nats)",
        Measure::ExpectedEntropy => "expected entropy (nats)",
        Measure::MutualInformation => "mutual information (nats)",
        Measure::AbnormalEntropy => "entropy of normal against abnormal (nats)",
        Measure::VariationRatio => "variation ratio",
        Measure::Variance => "variance",
        Measure::PaperVariance => "the paper's variance (× 1000)",
        Measure::PaperEntropy => "the paper's entropy (bits)",
        Measure::PaperSampleMean => "the paper's sample mean",
    }
}

/// A name as part of an id or a file's name: lower case letters, digits and dashes.
pub(super) fn slug(name: &str) -> String {
    let simple = |character: char| {
        if character.is_ascii_alphanumeric() {
            character.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    name.chars().map(simple).take(40).collect()
}
