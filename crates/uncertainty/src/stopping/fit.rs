//! Choosing λ by how often stopping early changes a decision. No labels are needed.

use serde::Serialize;

use super::{Boundary, StoppingRule, margin};
use crate::{Samples, Summary, summarise};

/// The share of cells whose decision may differ from that of all views.
const MOST_DISAGREEMENT: f64 = 0.005;

/// λ is tried from 0 in tenths up to 8.
const LARGEST_TENTHS: u32 = 80;

/// What stopping early saves under one policy, and what it costs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Saving {
    /// Share of cells decided otherwise than by all views: accepted or referred, called normal or abnormal, or accepted as another
    /// class.
    pub disagreement: f64,
    /// Mean number of views.
    pub mean_views: f64,
    /// Median number of views; the lower of the two middle ones.
    pub median_views: usize,
}

/// The rule that was chosen and what it does, policy by policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StoppingFit {
    /// `None` when no λ keeps the disagreement low, so that all views have to be taken.
    pub rule: Option<StoppingRule>,
    /// One per boundary, in their order; of taking all views when there is no rule.
    pub savings: Vec<Saving>,
}

/// One look at a cell: after how many views, how settled its decision was, and whether it was the final one.
struct Look {
    views: usize,
    margin: f64,
    agrees: bool,
}

/// Chooses the smallest λ of a fixed grid from which on at most 0.5% of the cells are decided otherwise than by all their views,
/// under every one of the policies.
///
/// `cells` holds all T views of each calibration cell, `boundaries` where each policy decides.
///
/// ```
/// use uncertainty::{Samples, stopping::{Boundary, calibrate}};
///
/// let cells = vec![Samples::from_rows(&vec![vec![0.9, 0.1]; 20])?; 100];
/// let fit = calibrate(&cells, &[Boundary::of(None, &[false, true])], 4, 4);
/// // Views that are all alike settle at the first look.
/// assert_eq!(fit.savings.first().map(|saving| saving.median_views), Some(4));
/// # Ok::<(), uncertainty::SamplesError>(())
/// ```
pub fn calibrate(
    cells: &[Samples],
    boundaries: &[Boundary],
    start: usize,
    step: usize,
) -> StoppingFit {
    let rule = |lambda| StoppingRule {
        start,
        step,
        lambda,
    };
    let mut looks: Vec<Vec<Vec<Look>>> = boundaries.iter().map(|_| Vec::new()).collect();
    for cell in cells {
        let running = running(cell, &rule(0.0));
        for (looks, boundary) in looks.iter_mut().zip(boundaries) {
            looks.push(looks_at(cell, &running, boundary));
        }
    }
    let savings = |lambda| looks.iter().map(|cells| saving(cells, lambda)).collect();
    let lambdas = (0..=LARGEST_TENTHS).map(|tenths| f64::from(tenths) / 10.0);
    let good = |lambda: &f64| {
        let savings: Vec<Saving> = savings(*lambda);
        let agrees = |saving: &Saving| saving.disagreement <= MOST_DISAGREEMENT;
        savings.iter().all(agrees)
    };
    let lambda = match cells.is_empty() {
        true => None,
        false => lambdas.rev().take_while(good).last(),
    };
    StoppingFit {
        rule: lambda.map(rule),
        savings: savings(lambda.unwrap_or(f64::INFINITY)),
    }
}

/// The number of views at each look, and their summary; the last is that of all views.
fn running(cell: &Samples, rule: &StoppingRule) -> Vec<(usize, Summary)> {
    let first = |views: usize| {
        let rows: Vec<f64> = cell.rows().take(views).flatten().copied().collect();
        let samples = Samples::from_probabilities(rows, cell.classes()).ok()?;
        Some((views, summarise(&samples)))
    };
    rule.looks(cell.passes()).filter_map(first).collect()
}

fn looks_at(cell: &Samples, running: &[(usize, Summary)], boundary: &Boundary) -> Vec<Look> {
    let total = cell.passes();
    let last = running.last().map(|(_, all)| decision(all, boundary));
    let look = |(views, summary): &(usize, Summary)| Look {
        views: *views,
        margin: match *views == total {
            true => f64::INFINITY,
            false => margin(cell, *views, total, boundary).unwrap_or(0.0),
        },
        agrees: Some(decision(summary, boundary)) == last,
    };
    running.iter().map(look).collect()
}

/// What of a decision may not change by stopping early.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Decided {
    /// The class as which an answer is accepted; `None`: referred. Where every cell is referred it is the predicted one.
    class: Option<usize>,
    /// Whether the cell is called abnormal, which a referred answer says.
    called_abnormal: Option<bool>,
}

fn decision(summary: &Summary, boundary: &Boundary) -> Decided {
    let summary = summary.clone().with_abnormal(boundary.abnormal);
    let counts = boundary
        .policy
        .is_none_or(|policy| policy.accepts(&summary));
    Decided {
        class: counts.then_some(summary.predicted),
        called_abnormal: summary.called_abnormal,
    }
}

fn saving(cells: &[Vec<Look>], lambda: f64) -> Saving {
    let stop = |looks: &Vec<Look>| {
        let early = looks.iter().find(|look| look.margin > lambda);
        early.or(looks.last()).map(|look| (look.views, look.agrees))
    };
    let mut stops: Vec<(usize, bool)> = cells.iter().filter_map(stop).collect();
    stops.sort_unstable();
    let count = stops.len().max(1) as f64;
    let disagreeing = stops.iter().filter(|(_, agrees)| !agrees).count();
    let views: usize = stops.iter().map(|(views, _)| views).sum();
    let middle = stops.get(stops.len().saturating_sub(1) / 2);
    Saving {
        disagreement: disagreeing as f64 / count,
        mean_views: views as f64 / count,
        median_views: middle.map_or(0, |(views, _)| *views),
    }
}
