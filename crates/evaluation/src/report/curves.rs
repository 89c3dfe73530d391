//! ROC curves and reliability diagrams, as rows of numbers.

use serde::Serialize;

use super::{ReportError, question::MethodAnswers, resampling::Resampling};
use crate::{
    bootstrap::Estimate,
    calibration_error::{ReliabilityBin, reliability_bins},
    ranking::{roc, sensitivity_at},
};

/// A ROC curve read at one false-positive rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RocRow {
    /// 1 − specificity.
    pub false_positive_rate: f64,
    /// Share of abnormal cells found.
    pub sensitivity: Estimate,
}

/// One bin of a reliability diagram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReliabilityRow {
    /// Lower edge, inclusive.
    pub low: f64,
    /// Upper edge; the last bin holds confidences of exactly 1.
    pub high: f64,
    /// Cells in the bin.
    pub cells: usize,
    /// Number of right answers among them.
    pub right: usize,
    /// Their mean confidence.
    pub confidence: Option<f64>,
    /// Share of right answers among them.
    pub accuracy: Estimate,
}

/// The false-positive rates at which ROC curves are read, denser where the curves are steep.
fn roc_grid() -> Vec<f64> {
    let fine = (0..20).map(|step| f64::from(step) * 0.005);
    let coarse = (5..=50).map(|step| f64::from(step) * 0.02);
    fine.chain(coarse).collect()
}

/// The ROC curve of the abnormal class of two classes.
pub(super) fn roc_rows(
    answers: &MethodAnswers,
    resampling: &Resampling,
) -> Result<Vec<RocRow>, ReportError> {
    let grid = roc_grid();
    let abnormal = answers.abnormal.first().copied().unwrap_or(1);
    let scored = answers.predictions.against_rest(abnormal);
    let estimates = resampling.estimates(|items| {
        let curve = scored.resampled(items).and_then(|scored| roc(&scored));
        let read = |rate: &f64| {
            curve
                .as_deref()
                .and_then(|curve| sensitivity_at(curve, *rate))
        };
        grid.iter().map(read).collect()
    })?;
    let rows = grid.iter().zip(estimates);
    Ok(rows
        .map(|(&false_positive_rate, sensitivity)| RocRow {
            false_positive_rate,
            sensitivity,
        })
        .collect())
}

/// The bins of the calibration error, with intervals.
pub(super) fn reliability_rows(
    answers: &MethodAnswers,
    resampling: &Resampling,
) -> Result<Vec<ReliabilityRow>, ReportError> {
    let confidences = answers.predictions.confidences();
    let bins = |items: &[usize]| {
        let resampled = confidences.resampled(items);
        resampled.map_or_else(Vec::new, |scored| reliability_bins(&scored))
    };
    let estimates = resampling.estimates(|items| {
        bins(items)
            .iter()
            .map(ReliabilityBin::event_share)
            .collect()
    })?;
    let whole = reliability_bins(&confidences);
    let row = |(bin, accuracy): (ReliabilityBin, Estimate)| ReliabilityRow {
        low: bin.low,
        high: bin.high,
        cells: bin.items,
        right: bin.events,
        confidence: bin.mean_confidence(),
        accuracy,
    };
    Ok(whole.into_iter().zip(estimates).map(row).collect())
}
