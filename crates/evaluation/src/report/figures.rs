//! The figures of the answers themselves.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ReportError, question::MethodAnswers, resampling::Resampling};
use crate::{
    Predictions, Scored,
    bootstrap::Estimate,
    calibration_error::calibration_error,
    classification::ConfusionMatrix,
    proper_scores::{brier_score, negative_log_likelihood},
    ranking::{auroc, macro_mean},
};

/// A figure of the answers to one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// AUROC of the second class for two classes; for more, the mean of each class against the
    /// rest.
    Auroc,
    /// Share of right answers.
    Accuracy,
    /// Mean recall of the classes.
    BalancedAccuracy,
    /// Mean F1 of the classes.
    MacroF1,
    /// Expected calibration error of the confidences, 15 bins.
    CalibrationError,
    /// Mean negative log-likelihood, nats.
    NegativeLogLikelihood,
    /// Brier score, 0 to 2.
    BrierScore,
}

impl Figure {
    /// Every figure, in the order of the tables.
    pub const ALL: [Figure; 7] = [
        Figure::Auroc,
        Figure::Accuracy,
        Figure::BalancedAccuracy,
        Figure::MacroF1,
        Figure::CalibrationError,
        Figure::NegativeLogLikelihood,
        Figure::BrierScore,
    ];

    /// The name on the page, for a question with this number of classes.
    pub fn title(self, classes: usize) -> &'static str {
        match self {
            Figure::Auroc if classes == 2 => "AUROC",
            Figure::Auroc => "AUROC, each class against the rest, mean",
            Figure::Accuracy => "accuracy",
            Figure::BalancedAccuracy => "balanced accuracy",
            Figure::MacroF1 => "macro F1",
            Figure::CalibrationError => "calibration error (ECE, 15 bins)",
            Figure::NegativeLogLikelihood => "negative log-likelihood (nats)",
            Figure::BrierScore => "Brier score (0 to 2)",
        }
    }

    /// Whether larger is better.
    pub fn larger_is_better(self) -> bool {
        !matches!(
            self,
            Figure::CalibrationError | Figure::NegativeLogLikelihood | Figure::BrierScore
        )
    }
}

pub(super) fn figures(
    answers: &MethodAnswers,
    resampling: &Resampling,
) -> Result<BTreeMap<Figure, Estimate>, ReportError> {
    let sorted = Sorted::of(&answers.predictions);
    let estimates = resampling.estimates(|items| {
        let resampled = Resampled::of(answers, &sorted, items);
        let value = |figure| resampled.as_ref()?.value(figure);
        Figure::ALL.into_iter().map(value).collect()
    })?;
    Ok(Figure::ALL.into_iter().zip(estimates).collect())
}

/// Scores sorted once instead of in every resample.
struct Sorted {
    against_rest: Vec<Scored>,
    confidences: Scored,
}

impl Sorted {
    fn of(predictions: &Predictions) -> Sorted {
        let classes = predictions.classes();
        // With two classes only the second one is needed; the first gives the same number.
        let asked = if classes == 2 { 1..2 } else { 0..classes };
        Sorted {
            against_rest: asked.map(|class| predictions.against_rest(class)).collect(),
            confidences: predictions.confidences(),
        }
    }
}

struct Resampled<'a> {
    predictions: Predictions,
    confusion: ConfusionMatrix,
    sorted: &'a Sorted,
    items: &'a [usize],
}

impl Resampled<'_> {
    fn of<'a>(
        answers: &MethodAnswers,
        sorted: &'a Sorted,
        items: &'a [usize],
    ) -> Option<Resampled<'a>> {
        let predictions = answers.predictions.resampled(items)?;
        Some(Resampled {
            confusion: ConfusionMatrix::of(&predictions),
            predictions,
            sorted,
            items,
        })
    }

    fn value(&self, figure: Figure) -> Option<f64> {
        match figure {
            Figure::Auroc => self.auroc(),
            Figure::Accuracy => Some(self.confusion.accuracy()),
            Figure::BalancedAccuracy => Some(self.confusion.balanced_accuracy()),
            Figure::MacroF1 => Some(self.confusion.macro_f1()),
            Figure::CalibrationError => {
                let confidences = self.sorted.confidences.resampled(self.items)?;
                Some(calibration_error(&confidences))
            }
            Figure::NegativeLogLikelihood => Some(negative_log_likelihood(&self.predictions)),
            Figure::BrierScore => Some(brier_score(&self.predictions)),
        }
    }

    fn auroc(&self) -> Option<f64> {
        let classes = self.sorted.against_rest.iter();
        let each: Vec<Option<f64>> = classes
            .map(|scored| auroc(&scored.resampled(self.items)?))
            .collect();
        macro_mean(&each)
    }
}
