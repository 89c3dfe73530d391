//! The figures and the table of Ojha & Narendra (MIDL 2024): right and wrong answers over ranges of
//! a normalised uncertainty, and the cells kept below and above a threshold on it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    ReportError,
    question::MethodAnswers,
    resampling::{Resampling, bin_of},
    uncertainty::values,
};
use crate::{
    EvaluationError, Predictions, Scored,
    bootstrap::Estimate,
    four_way::{FourWay, Side, four_way},
    ranking::auroc,
};
use uncertainty::{Measure, Range};

/// The paper's three measures, in its order.
pub(super) const MEASURES: [Measure; 3] = [
    Measure::PaperVariance,
    Measure::PaperEntropy,
    Measure::PaperSampleMean,
];
/// The thresholds of the paper's table.
const THRESHOLDS: [f64; 3] = [0.3, 0.6, 0.9];
/// Ranges of width 0.1.
const RANGES: usize = 10;

/// One of the paper's measures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PaperReport {
    /// The values that 0 and 1 stand for.
    pub normalisation: Range,
    /// Whether the range is that of the calibration set; otherwise that of the evaluated cells, as
    /// in the paper.
    pub normalised_over_calibration_set: bool,
    /// Ten ranges of width 0.1; the last holds 1.
    pub ranges: Vec<PaperRange>,
    /// The thresholds 0.3, 0.6 and 0.9.
    pub thresholds: Vec<PaperThreshold>,
}

/// The answers in one range. Positive is abnormal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PaperRange {
    /// Lower edge, inclusive.
    pub low: f64,
    /// Upper edge.
    pub high: f64,
    /// Number of cells, of right and wrong answers, and of the four kinds of answer to "normal or
    /// abnormal?".
    pub answers: Side,
    /// Share of right answers.
    pub accuracy: Estimate,
}

/// The cells kept on both sides of a threshold. A cell exactly on it is on both, as in the paper.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PaperThreshold {
    /// The threshold on the normalised measure.
    pub threshold: f64,
    /// Cells at or below the threshold, the certain ones.
    pub kept_below: PaperSide,
    /// Cells at or above the threshold.
    pub kept_above: PaperSide,
}

/// One side of a threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PaperSide {
    /// Counts.
    pub answers: Side,
    /// Figures with intervals.
    pub figures: BTreeMap<SideFigure, Estimate>,
}

/// A figure of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SideFigure {
    /// Share of right classes.
    Accuracy,
    /// Share of the abnormal cells that are called abnormal.
    Sensitivity,
    /// Share of the normal cells that are called normal.
    Specificity,
    /// Share of the answers "abnormal" that are right.
    PositivePredictiveValue,
    /// Share of the answers "normal" that are right.
    NegativePredictiveValue,
    /// Called AUC in the paper's code.
    MeanOfPpvAndNpv,
    /// The AUROC of normal against abnormal among the cells of this side.
    AurocAbnormal,
}

impl SideFigure {
    /// Every figure, in the order of the table.
    pub const ALL: [SideFigure; 7] = [
        SideFigure::Accuracy,
        SideFigure::Sensitivity,
        SideFigure::Specificity,
        SideFigure::PositivePredictiveValue,
        SideFigure::NegativePredictiveValue,
        SideFigure::MeanOfPpvAndNpv,
        SideFigure::AurocAbnormal,
    ];

    /// The figures that are functions of the counts, that is, all but the AUROC.
    fn of_counts(self, side: &Side) -> Option<f64> {
        match self {
            SideFigure::Accuracy => side.accuracy,
            SideFigure::Sensitivity => side.sensitivity,
            SideFigure::Specificity => side.specificity,
            SideFigure::PositivePredictiveValue => side.positive_predictive_value,
            SideFigure::NegativePredictiveValue => side.negative_predictive_value,
            SideFigure::MeanOfPpvAndNpv => {
                Some(0.5 * (side.positive_predictive_value? + side.negative_predictive_value?))
            }
            SideFigure::AurocAbnormal => None,
        }
    }
}

/// The paper's measures that are defined. `ranges` are those of the calibration set, if any.
pub(super) fn paper_reports(
    answers: &MethodAnswers,
    ranges: Option<&BTreeMap<Measure, Range>>,
    resampling: &Resampling,
) -> Result<BTreeMap<Measure, PaperReport>, ReportError> {
    let mut reports = BTreeMap::new();
    for measure in MEASURES {
        let Some(values) = values(answers, measure) else {
            continue;
        };
        let over_evaluated = Range::over(&values).map_err(EvaluationError::from)?;
        let range = ranges.and_then(|ranges| ranges.get(&measure).copied());
        let normalisation = range.unwrap_or(over_evaluated);
        let normalised = values.iter().map(|value| normalisation.normalise(*value));
        let normalised: Vec<f64> = normalised.collect();
        let thresholds = THRESHOLDS.into_iter();
        let thresholds: Result<_, ReportError> = thresholds
            .map(|threshold| paper_threshold(answers, &normalised, threshold, resampling))
            .collect();
        let report = PaperReport {
            normalisation,
            normalised_over_calibration_set: range.is_some(),
            ranges: paper_ranges(answers, &normalised, resampling)?,
            thresholds: thresholds?,
        };
        reports.insert(measure, report);
    }
    Ok(reports)
}

fn paper_ranges(
    answers: &MethodAnswers,
    normalised: &[f64],
    resampling: &Resampling,
) -> Result<Vec<PaperRange>, ReportError> {
    let range_of = |value: &f64| bin_of(*value, (0.0, 1.0), RANGES);
    let ranges_of: Vec<usize> = normalised.iter().map(range_of).collect();
    let right: Vec<bool> = answers.predictions.correct().collect();
    let accuracies = resampling.shares_within_bins(&ranges_of, &right, RANGES)?;
    let mut ranges = Vec::new();
    for (range, accuracy) in accuracies.into_iter().enumerate() {
        // Puts cells of the range below a threshold and all others above.
        let is_outside = |bin: &usize| f64::from(u8::from(*bin != range));
        let outside: Vec<f64> = ranges_of.iter().map(is_outside).collect();
        let split = four_way(&answers.predictions, &outside, &answers.abnormal, 0.0)?;
        ranges.push(PaperRange {
            low: range as f64 / RANGES as f64,
            high: (range + 1) as f64 / RANGES as f64,
            answers: split.confident,
            accuracy,
        });
    }
    Ok(ranges)
}

fn paper_threshold(
    answers: &MethodAnswers,
    normalised: &[f64],
    threshold: f64,
    resampling: &Resampling,
) -> Result<PaperThreshold, ReportError> {
    let split = |predictions: &Predictions, values: &[f64]| {
        four_way(predictions, values, &answers.abnormal, threshold)
    };
    let whole = split(&answers.predictions, normalised)?;
    let below = KeptCells::of(answers, normalised, |value| value <= threshold)?;
    let above = KeptCells::of(answers, normalised, |value| value >= threshold)?;
    let estimates = resampling.estimates(|items| {
        let values = items.iter().filter_map(|item| normalised.get(*item));
        let values: Vec<f64> = values.copied().collect();
        let resampled = answers.predictions.resampled(items);
        let parts = resampled.and_then(|predictions| split(&predictions, &values).ok());
        let side = |of: fn(&FourWay) -> &Side, kept: &KeptCells| {
            side_values(parts.as_ref().map(of), kept.auroc(items))
        };
        let mut figures = side(|parts| &parts.confident, &below);
        figures.extend(side(|parts| &parts.uncertain, &above));
        figures
    })?;
    let (first, second) = estimates.split_at(estimates.len().min(SideFigure::ALL.len()));
    let paper_side = |answers: Side, estimates: &[Estimate]| {
        let figures = SideFigure::ALL.into_iter().zip(estimates.iter().copied());
        PaperSide {
            answers,
            figures: figures.collect(),
        }
    };
    Ok(PaperThreshold {
        threshold,
        kept_below: paper_side(whole.confident, first),
        kept_above: paper_side(whole.uncertain, second),
    })
}

fn side_values(side: Option<&Side>, auroc: Option<f64>) -> Vec<Option<f64>> {
    let value = |figure| match figure {
        SideFigure::AurocAbnormal => auroc,
        of_counts => side.and_then(|side| of_counts.of_counts(side)),
    };
    SideFigure::ALL.into_iter().map(value).collect()
}

/// The abnormal probability of the cells on one side, sorted once for all resamples.
struct KeptCells {
    scored: Option<Scored>,
    /// The index of each cell among those kept.
    places: Vec<Option<usize>>,
}

impl KeptCells {
    fn of(
        answers: &MethodAnswers,
        normalised: &[f64],
        keep: impl Fn(f64) -> bool,
    ) -> Result<KeptCells, ReportError> {
        let binary = answers.predictions.binary(&answers.abnormal)?;
        let (mut scores, mut events, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for ((row, label), value) in binary.rows().zip(binary.labels()).zip(normalised) {
            places.push(keep(*value).then_some(scores.len()));
            if keep(*value) {
                scores.extend(row.get(1));
                events.push(*label == 1);
            }
        }
        let scored = match scores.is_empty() {
            true => None,
            false => Some(Scored::new(&scores, &events)?),
        };
        Ok(KeptCells { scored, places })
    }

    fn auroc(&self, items: &[usize]) -> Option<f64> {
        let kept = items.iter().filter_map(|item| *self.places.get(*item)?);
        let kept: Vec<usize> = kept.collect();
        auroc(&self.scored.as_ref()?.resampled(&kept)?)
    }
}
