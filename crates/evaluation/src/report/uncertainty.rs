//! How well each measure of uncertainty separates wrong from right answers.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    ReportError,
    question::MethodAnswers,
    resampling::{Resampling, UNDEFINED, bin_of},
};
use crate::{
    Scored,
    bootstrap::Estimate,
    ranking::auroc,
    selective::{augrc, aurc, excess_aurc, risk_at_coverages},
};
use uncertainty::Measure;

/// Bins of the histograms.
const BINS: usize = 20;
/// Percentage of "the most certain 80%".
const SUREST: usize = 80;

/// One measure on one part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UncertaintyReport {
    /// Probability that a wrong answer is less certain than a right one.
    pub auroc_misprediction: Estimate,
    /// Area under the risk–coverage curve.
    pub aurc: Estimate,
    /// AURC minus that of an oracle with the same errors.
    pub excess_aurc: Estimate,
    /// Area under the generalised risk–coverage curve (Traub et al., 2024).
    pub augrc: Estimate,
    /// Accuracy of the 80% of cells with the lowest uncertainty.
    pub accuracy_of_surest_80: Estimate,
    /// The risk–coverage curve.
    pub risk_coverage: Vec<RiskAtCoverage>,
    /// The distribution of the measure over right and wrong answers.
    pub histogram: Histogram,
}

impl UncertaintyReport {
    /// The figures that are one number, with their names in files.
    pub(super) fn named(&self) -> [(&'static str, &Estimate); 5] {
        [
            ("auroc_misprediction", &self.auroc_misprediction),
            ("aurc", &self.aurc),
            ("excess_aurc", &self.excess_aurc),
            ("augrc", &self.augrc),
            ("accuracy_of_surest_80", &self.accuracy_of_surest_80),
        ]
    }
}

/// A risk–coverage curve read at one coverage.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RiskAtCoverage {
    /// Share of answered cells, the most certain first.
    pub coverage: f64,
    /// Share of wrong answers among them.
    pub risk: Estimate,
}

/// Shares of right and of wrong answers in bins of equal width.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// Lower edge of the first bin.
    pub low: f64,
    /// Upper edge of the last bin.
    pub high: f64,
    /// Number of right answers.
    pub right_cells: usize,
    /// Number of wrong answers.
    pub wrong_cells: usize,
    /// Of all right answers, the share in each bin.
    pub right: Vec<Estimate>,
    /// Of all wrong answers, the share in each bin.
    pub wrong: Vec<Estimate>,
}

/// Every measure that is defined for every cell; the variances of a single pass are not.
pub(super) fn uncertainties(
    answers: &MethodAnswers,
    resampling: &Resampling,
) -> Result<BTreeMap<Measure, UncertaintyReport>, ReportError> {
    let mut reports = BTreeMap::new();
    for measure in Measure::ALL {
        if let Some(values) = values(answers, measure) {
            reports.insert(measure, uncertainty(answers, measure, &values, resampling)?);
        }
    }
    Ok(reports)
}

/// The measure of each cell; `None` if it is undefined for any.
pub(super) fn values(answers: &MethodAnswers, measure: Measure) -> Option<Vec<f64>> {
    let summaries = answers.summaries.iter();
    summaries.map(|summary| measure.of(summary)).collect()
}

fn uncertainty(
    answers: &MethodAnswers,
    measure: Measure,
    values: &[f64],
    resampling: &Resampling,
) -> Result<UncertaintyReport, ReportError> {
    let scored = answers.predictions.mispredictions(values)?;
    let percents: Vec<usize> = (1..=20).map(|step| 5 * step).collect();
    let figures = resampling.estimates(|items| match scored.resampled(items) {
        Some(resampled) => {
            let risks = risk_at_coverages(&resampled, &percents).unwrap_or_default();
            let figures = figures(&resampled).into_iter();
            figures.chain(risks.into_iter().map(Some)).collect()
        }
        None => Vec::new(),
    })?;
    let mut figures = figures.into_iter();
    let mut next = || figures.next().unwrap_or(UNDEFINED);
    Ok(UncertaintyReport {
        auroc_misprediction: next(),
        aurc: next(),
        excess_aurc: next(),
        augrc: next(),
        accuracy_of_surest_80: next(),
        risk_coverage: percents
            .iter()
            .map(|&percent| RiskAtCoverage {
                coverage: percent as f64 / 100.0,
                risk: next(),
            })
            .collect(),
        histogram: histogram(answers, measure, values, resampling)?,
    })
}

fn figures(scored: &Scored) -> [Option<f64>; 5] {
    let risk_of_surest = risk_at_coverages(scored, &[SUREST])
        .ok()
        .and_then(|risks| risks.first().copied());
    [
        auroc(scored),
        Some(aurc(scored)),
        Some(excess_aurc(scored)),
        Some(augrc(scored)),
        risk_of_surest.map(|risk| 1.0 - risk),
    ]
}

fn histogram(
    answers: &MethodAnswers,
    measure: Measure,
    values: &[f64],
    resampling: &Resampling,
) -> Result<Histogram, ReportError> {
    let (low, high) = bounds(measure, answers.predictions.classes(), values);
    let bins = values.iter().map(|value| bin_of(*value, (low, high), BINS));
    let bins: Vec<usize> = bins.collect();
    let right: Vec<bool> = answers.predictions.correct().collect();
    let wrong: Vec<bool> = right.iter().map(|right| !right).collect();
    Ok(Histogram {
        low,
        high,
        right_cells: right.iter().filter(|right| **right).count(),
        wrong_cells: wrong.iter().filter(|wrong| **wrong).count(),
        right: resampling.bin_shares(&bins, &right, BINS)?,
        wrong: resampling.bin_shares(&bins, &wrong, BINS)?,
    })
}

/// The measure's own range if it has one, so that methods can be compared; otherwise from 0 to the
/// largest value.
fn bounds(measure: Measure, classes: usize, values: &[f64]) -> (f64, f64) {
    let largest = values.iter().copied().fold(0.0, f64::max);
    match measure {
        Measure::PredictiveEntropy | Measure::ExpectedEntropy => (0.0, (classes as f64).ln()),
        Measure::AbnormalEntropy => (0.0, std::f64::consts::LN_2),
        Measure::VariationRatio => (0.0, 1.0 - 1.0 / classes as f64),
        Measure::PaperSampleMean => (0.5, 1.0),
        _ if largest > 0.0 => (0.0, largest),
        _ => (0.0, 1.0),
    }
}
