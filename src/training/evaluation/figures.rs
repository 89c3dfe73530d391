//! The figures of one method's answers, each with a 95% interval resampled by image.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::training::TrainingError;
use crate::{
    bundle::Method,
    evaluation::{
        Predictions, Scored,
        bootstrap::{Estimate, Groups, Plan, percentile_interval},
        calibration_error::{BinEdges, calibration_error},
        classification::ConfusionMatrix,
        proper_scores::negative_log_likelihood,
        ranking::auroc,
        selective::{accuracy_at_coverage, aurc},
    },
    uncertainty::{Measure, Summary, measures::entropy},
};

/// What a method said of some cells.
#[derive(Clone, Debug)]
pub struct Answers {
    /// The method.
    pub method: Method,
    /// T.
    pub passes: usize,
    /// The temperatures in use: one per fold, or one.
    pub temperatures: Vec<f64>,
    /// One summary per cell.
    pub summaries: Vec<Summary>,
}

/// The figures of one method.
#[derive(Clone, Debug, Serialize)]
pub struct MethodFigures {
    /// T.
    pub passes: usize,
    /// The temperatures in use.
    pub temperatures: Vec<f64>,
    /// Figures of the answers, by [`Figure`].
    pub figures: BTreeMap<Figure, Estimate>,
    /// How well each measure of uncertainty tells wrong answers from right ones.
    pub uncertainty: BTreeMap<Measure, UncertaintyFigures>,
    /// Counts, one row per true class.
    pub confusion: ConfusionMatrix,
}

/// A figure of the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// AUROC of normal against abnormal, by the sum of the abnormal probabilities.
    AurocAbnormal,
    /// Share of right answers to "normal or abnormal?".
    AccuracyAbnormal,
    /// Share of right classes.
    Accuracy,
    /// Mean recall of the classes.
    BalancedAccuracy,
    /// Mean F1 of the classes.
    MacroF1,
    /// Expected calibration error, 15 bins.
    CalibrationError,
    /// Mean negative log-likelihood in nats.
    NegativeLogLikelihood,
    /// Accuracy of the 80% of cells with the lowest predictive entropy.
    AccuracyOfSurest80,
}

impl Figure {
    /// Every figure, in the order of the tables.
    pub const ALL: [Self; 8] = [
        Self::AurocAbnormal,
        Self::AccuracyAbnormal,
        Self::Accuracy,
        Self::BalancedAccuracy,
        Self::MacroF1,
        Self::CalibrationError,
        Self::NegativeLogLikelihood,
        Self::AccuracyOfSurest80,
    ];

    /// The name in tables.
    pub fn title(self) -> &'static str {
        match self {
            Self::AurocAbnormal => "AUROC, normal vs abnormal",
            Self::AccuracyAbnormal => "accuracy, normal vs abnormal",
            Self::Accuracy => "accuracy",
            Self::BalancedAccuracy => "balanced accuracy",
            Self::MacroF1 => "macro F1",
            Self::CalibrationError => "calibration error (ECE, 15 bins)",
            Self::NegativeLogLikelihood => "negative log-likelihood (nats)",
            Self::AccuracyOfSurest80 => "accuracy of the surest 80% (by predictive entropy)",
        }
    }

    fn of(self, predictions: &Predictions, abnormal: &[usize]) -> Option<f64> {
        match self {
            Self::AurocAbnormal => auroc(&predictions.binary(abnormal).ok()?.against_rest(1)),
            Self::AccuracyAbnormal => {
                Some(ConfusionMatrix::of(&predictions.binary(abnormal).ok()?).accuracy())
            }
            Self::Accuracy => Some(ConfusionMatrix::of(predictions).accuracy()),
            Self::BalancedAccuracy => Some(ConfusionMatrix::of(predictions).balanced_accuracy()),
            Self::MacroF1 => Some(ConfusionMatrix::of(predictions).macro_f1()),
            Self::CalibrationError => {
                Some(calibration_error(&predictions.confidences(), BinEdges::LeftClosed).expected)
            }
            Self::NegativeLogLikelihood => Some(negative_log_likelihood(predictions)),
            Self::AccuracyOfSurest80 => accuracy_of_surest_80(predictions),
        }
    }
}

/// How well a measure of uncertainty tells wrong answers from right ones.
#[derive(Clone, Debug, Serialize)]
pub struct UncertaintyFigures {
    /// Probability that a wrong answer is less sure than a right one.
    pub auroc_misprediction: Estimate,
    /// Area under the risk–coverage curve.
    pub aurc: Estimate,
}

/// What is known of the cells that were answered.
#[derive(Clone, Copy, Debug)]
pub struct Truth<'a> {
    /// The right output of each cell.
    pub labels: &'a [usize],
    /// The image of each cell.
    pub images: &'a [&'a str],
    /// The outputs that stand for abnormal classes.
    pub abnormal: &'a [usize],
}

/// Measures the answers.
///
/// # Errors
/// [`TrainingError::Evaluation`] when there are no cells or only one image.
pub fn figures(
    answers: &Answers,
    truth: &Truth<'_>,
    seed: u64,
) -> Result<MethodFigures, TrainingError> {
    let rows: Vec<Vec<f64>> = answers
        .summaries
        .iter()
        .map(|summary| summary.mean.clone())
        .collect();
    let predictions = Predictions::from_rows(&rows, truth.labels.to_vec())?;
    let resampling = Resampling {
        groups: Groups::of(truth.images),
        plan: Plan {
            seed,
            ..Plan::default()
        },
    };
    let mut measured = MethodFigures {
        passes: answers.passes,
        temperatures: answers.temperatures.clone(),
        figures: BTreeMap::new(),
        uncertainty: BTreeMap::new(),
        confusion: ConfusionMatrix::of(&predictions),
    };
    for figure in Figure::ALL {
        let estimate = resampling.of_predictions(&predictions, |resampled| {
            figure.of(resampled, truth.abnormal)
        })?;
        measured.figures.insert(figure, estimate);
    }
    for measure in Measure::ALL {
        let values: Option<Vec<f64>> = answers
            .summaries
            .iter()
            .map(|summary| measure.of(summary))
            .collect();
        let Some(values) = values else { continue };
        let scored = predictions.mispredictions(&values)?;
        let figures = UncertaintyFigures {
            auroc_misprediction: resampling.of_scored(&scored, auroc)?,
            aurc: resampling.of_scored(&scored, |scored| Some(aurc(scored)))?,
        };
        measured.uncertainty.insert(measure, figures);
    }
    Ok(measured)
}

fn accuracy_of_surest_80(predictions: &Predictions) -> Option<f64> {
    let entropies: Vec<f64> = predictions.rows().map(entropy).collect();
    let at_coverage = accuracy_at_coverage(&predictions.mispredictions(&entropies).ok()?, 80);
    at_coverage.ok().map(|at_coverage| at_coverage.accuracy)
}

struct Resampling {
    groups: Groups,
    plan: Plan,
}

impl Resampling {
    fn of_predictions(
        &self,
        predictions: &Predictions,
        figure: impl Fn(&Predictions) -> Option<f64>,
    ) -> Result<Estimate, TrainingError> {
        let resampled = |cells: &[usize]| figure(&predictions.resampled(cells)?);
        Ok(percentile_interval(&self.groups, &self.plan, resampled)?)
    }

    fn of_scored(
        &self,
        scored: &Scored,
        figure: impl Fn(&Scored) -> Option<f64>,
    ) -> Result<Estimate, TrainingError> {
        let resampled = |cells: &[usize]| figure(&scored.resampled(cells)?);
        Ok(percentile_interval(&self.groups, &self.plan, resampled)?)
    }
}
