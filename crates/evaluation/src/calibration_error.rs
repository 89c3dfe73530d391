//! Calibration error: whether answers given with 90% confidence are right in 90% of cases.

use serde::Serialize;

use super::classification::ratio;
use super::scored::Scored;

/// Number of bins of equal width.
const BINS: u32 = 15;

/// One bin of confidences and their outcomes: a point of a reliability diagram.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// The lower edge.
    pub low: f64,
    /// The upper edge. The bin of confidences of exactly 1 has both edges at 1.
    pub high: f64,
    /// Number of items in the bin.
    pub items: usize,
    /// Number of events among them.
    pub events: usize,
    /// The sum of their confidences.
    pub confidence_sum: f64,
}

/// The expected calibration error (ECE) of confidences in [0, 1] with their outcomes, 0 to 1: the
/// mean gap between confidence and accuracy, bins weighted by their items. Use
/// [`Predictions::confidences`](super::Predictions::confidences) for the usual ECE, and
/// [`Predictions::against_rest`](super::Predictions::against_rest) for that of one class's
/// probability.
pub fn calibration_error(scored: &Scored) -> f64 {
    // events − Σ confidence| is the gap of the means times the number of items.
    let gap = |bin: &ReliabilityBin| (bin.events as f64 - bin.confidence_sum).abs();
    reliability_bins(scored).iter().map(gap).sum::<f64>() / scored.items() as f64
}

/// The 15 bins of equal width, ascending, and a 16th for confidences of exactly 1. A confidence on
/// an edge belongs to the bin above it (the rule of torchmetrics).
pub fn reliability_bins(scored: &Scored) -> Vec<ReliabilityBin> {
    let edge = |index: u32| f64::from(index.min(BINS)) / f64::from(BINS);
    let bounds: Vec<f64> = (0..=BINS).map(edge).collect();
    let empty = |index| ReliabilityBin {
        low: edge(index),
        high: edge(index + 1),
        ..ReliabilityBin::default()
    };
    let mut bins: Vec<ReliabilityBin> = (0..=BINS).map(empty).collect();
    for (confidence, event) in scored.pairs() {
        let at_or_below = bounds.partition_point(|&bound| bound <= confidence);
        if let Some(bin) = bins.get_mut(at_or_below.saturating_sub(1)) {
            bin.items += 1;
            bin.events += usize::from(event);
            bin.confidence_sum += confidence;
        }
    }
    bins
}

impl ReliabilityBin {
    /// The mean confidence of the bin's items; `None` without items.
    pub fn mean_confidence(&self) -> Option<f64> {
        (self.items > 0).then(|| self.confidence_sum / self.items as f64)
    }

    /// The share of the bin's items that are events; `None` without items.
    pub fn event_share(&self) -> Option<f64> {
        ratio(self.events, self.items)
    }
}
