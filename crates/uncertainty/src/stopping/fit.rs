//! Chooses λ by how often early stopping changes a decision. It needs no labels.

use serde::Serialize;

use super::{Boundary, StoppingRule, margin};
use crate::{Samples, Summary, summarise};

/// Largest share of cells whose decision may differ from that of all views.
const MOST_DISAGREEMENT: f64 = 0.005;

/// λ is tried from 0 in tenths up to 8.
const LARGEST_TENTHS: u32 = 80;

/// Savings and costs of early stopping under one policy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Saving {
    /// Share of cells with another decision than by all views: accepted or referred, called normal
    /// or abnormal, or the class of an accepted answer.
    pub disagreement: f64,
    /// Mean number of views per cell.
    pub mean_views: f64,
    /// Median number of views per cell; the lower of the two middle values.
    pub median_views: usize,
}

/// The chosen rule and its effect under each policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StoppingFit {
    /// The rule; `None` if no λ keeps the disagreement low enough, so that all views have to be
    /// taken.
    pub rule: Option<StoppingRule>,
    /// One entry per boundary, in their order. Without a rule they are those of taking all views.
    pub savings: Vec<Saving>,
}

/// One look at a cell: the number of views, the margin of its decision, and whether it is the final
/// decision.
struct Look {
    views: usize,
    margin: f64,
    agrees: bool,
}

/// Chooses the smallest λ on a fixed grid (0 to 8 in steps of 0.1) from which on at most 0.5% of
/// the cells have another decision than by all their views, under every policy.
///
/// `cells` are all T views of each calibration cell, and `boundaries` are those of the policies.
/// `start` and `step` are those of [`StoppingRule`].
///
/// ```
/// use uncertainty::{Samples, stopping::{Boundary, calibrate}};
///
/// let cells = vec![Samples::from_rows(&vec![vec![0.9, 0.1]; 20])?; 100];
/// let fit = calibrate(&cells, &[Boundary::of(None, &[false, true])], 4, 4);
/// // Identical views are settled at the first look.
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

/// Number of views and their summary at each look. The last look has all views.
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

/// The parts of a decision that early stopping must not change.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Decided {
    /// The class of an accepted answer; `None` if referred. Without a policy it is the predicted
    /// class.
    class: Option<usize>,
    /// Whether the cell is called abnormal; referred answers state this, too.
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
