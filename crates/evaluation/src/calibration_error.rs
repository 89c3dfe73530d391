//! Whether an answer given with 90% confidence is right in 90% of the cases.

use serde::Serialize;

use super::classification::ratio;
use super::scored::Scored;

/// How many bins of equal width the confidences are sorted into.
const BINS: u32 = 15;

/// The gap between confidence and accuracy over 15 bins.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CalibrationError {
    /// The mean gap, bins weighted by their items (ECE), 0 to 1.
    pub expected: f64,
    /// The gap of the worst bin (MCE), 0 to 1.
    pub maximum: f64,
}

/// The confidences of one bin, and what became of them: a point of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// The lower edge.
    pub low: f64,
    /// The upper edge; the bin of exactly 1 has both edges there.
    pub high: f64,
    /// How many items are in it.
    pub items: usize,
    /// How many of them are events.
    pub events: usize,
    /// The sum of their confidences.
    pub confidence_sum: f64,
}

/// The calibration error of confidences in [0, 1] against what became of them: of
/// [`Predictions::confidences`](super::Predictions::confidences) for the usual ECE, of
/// [`Predictions::against_rest`](super::Predictions::against_rest) for that of one class' probability.
pub fn calibration_error(scored: &Scored) -> CalibrationError {
    let bins = reliability_bins(scored);
    let filled = || bins.iter().filter(|bin| bin.items > 0);
    CalibrationError {
        // |events − Σ confidence| is the gap of the means times the number of items.
        expected: filled().map(ReliabilityBin::summed_gap).sum::<f64>() / scored.items() as f64,
        maximum: filled()
            .map(|bin| bin.summed_gap() / bin.items as f64)
            .fold(0.0, f64::max),
    }
}

/// The 15 bins of equal width, ascending, and a 16th for confidences of exactly 1. A confidence on an edge belongs to the bin
/// above it (the rule of torchmetrics).
pub fn reliability_bins(scored: &Scored) -> Vec<ReliabilityBin> {
    let bounds = bin_edges();
    let above = bounds.iter().skip(1).chain(bounds.last());
    let mut bins: Vec<ReliabilityBin> = bounds
        .iter()
        .zip(above)
        .map(|(&low, &high)| ReliabilityBin::empty(low, high))
        .collect();
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

/// The 16 edges i/15 of the bins.
fn bin_edges() -> Vec<f64> {
    (0..=BINS)
        .map(|edge| f64::from(edge) / f64::from(BINS))
        .collect()
}

impl ReliabilityBin {
    fn empty(low: f64, high: f64) -> ReliabilityBin {
        ReliabilityBin {
            low,
            high,
            items: 0,
            events: 0,
            confidence_sum: 0.0,
        }
    }

    /// The mean confidence of the bin's items; `None` without items.
    pub fn mean_confidence(&self) -> Option<f64> {
        (self.items > 0).then(|| self.confidence_sum / self.items as f64)
    }

    /// The share of the bin's items that are events; `None` without items.
    pub fn event_share(&self) -> Option<f64> {
        ratio(self.events, self.items)
    }

    fn summed_gap(&self) -> f64 {
        (self.events as f64 - self.confidence_sum).abs()
    }
}
