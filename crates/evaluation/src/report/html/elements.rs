//! Tables and numbers.

use maud::{Markup, html};

use crate::{bootstrap::Estimate, plots::PlotShare};
use uncertainty::Measure;

/// A table with a caption. Each row has a name and cells; headings group the rows.
pub(super) struct Table {
    caption: String,
    header: Vec<String>,
    rows: Vec<Markup>,
    /// Whether intervals are below their values, to save width.
    pub stacked: bool,
}

impl Table {
    pub(super) fn new(caption: String, header: &[&str]) -> Table {
        Table {
            caption,
            header: header.iter().map(|title| (*title).to_owned()).collect(),
            rows: Vec::new(),
            stacked: false,
        }
    }

    /// More columns; call it before the first group.
    pub(super) fn columns(&mut self, titles: impl Iterator<Item = String>) {
        self.header.extend(titles);
    }

    /// A heading over the following rows.
    pub(super) fn group(&mut self, title: &str) {
        let columns = self.header.len();
        let row = html! { tr.group { th colspan=(columns) scope="colgroup" { (title) } } };
        self.rows.push(row);
    }

    pub(super) fn row(&mut self, name: Markup, cells: impl IntoIterator<Item = Markup>) {
        let row = html! { tr { th scope="row" { (name) } @for cell in cells { td { (cell) } } } };
        self.rows.push(row);
    }

    pub(super) fn markup(&self) -> Markup {
        html! {
            div.scroll tabindex="0" {
                table class=[self.stacked.then_some("stacked")] {
                    caption { span { (self.caption) } }
                    thead { tr { @for title in &self.header { th scope="col" { (title) } } } }
                    tbody { @for row in &self.rows { (row) } }
                }
            }
        }
    }
}

/// Text or a number.
pub(super) fn text(text: impl maud::Render) -> Markup {
    html! { (text) }
}

/// Such as `0.912 [0.883, 0.926]`, or `undefined`.
pub(super) fn estimate(estimate: &Estimate) -> Markup {
    let Some(value) = estimate.value else {
        return html! { span.undefined { "undefined" } };
    };
    html! {
        (decimal(value)) " "
        span.interval {
            @match estimate.interval {
                Some(interval) => {
                    "[" (decimal(interval.low)) ", " (decimal(interval.high)) "]"
                    @if estimate.undefined > 0 { "†" }
                }
                None => "no interval",
            }
        }
    }
}

/// Such as `AUROC 0.912 [0.883, 0.926]` in a plot.
pub(super) fn plain_estimate(name: &str, estimate: &Estimate) -> String {
    let Some(value) = estimate.value.map(decimal) else {
        return format!("{name} undefined");
    };
    match estimate.interval {
        None => format!("{name} {value}"),
        Some(interval) => {
            let (low, high) = (decimal(interval.low), decimal(interval.high));
            format!("{name} {value} [{low}, {high}]")
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

/// An estimate in the form that plots take.
pub(super) fn share(estimate: &Estimate) -> Option<PlotShare> {
    Some(PlotShare {
        value: estimate.value?,
        interval: estimate
            .interval
            .map(|interval| (interval.low, interval.high)),
    })
}

/// Estimates as bars; an undefined one has no height.
pub(super) fn shares(estimates: &[Estimate]) -> Vec<PlotShare> {
    let nothing = PlotShare {
        value: 0.0,
        interval: None,
    };
    let drawn = |estimate| share(estimate).unwrap_or(nothing);
    estimates.iter().map(drawn).collect()
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

/// A name at the beginning of a sentence.
pub(super) fn capitalised(name: &str) -> String {
    let mut characters = name.chars();
    let first = characters.next();
    let first = first.into_iter().flat_map(char::to_uppercase);
    first.chain(characters).collect()
}

/// A name as part of an id or a file's name: lower case letters, digits and dashes.
pub(super) fn slug(name: &str) -> String {
    let simple = |character: char| match character.is_ascii_alphanumeric() {
        true => character.to_ascii_lowercase(),
        false => '-',
    };
    name.chars().map(simple).take(40).collect()
}
