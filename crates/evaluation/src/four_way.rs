//! The paper's four-way table: confident or uncertain, right or wrong.

use serde::Serialize;

use super::classification::ratio;
use super::error::EvaluationError;
use super::predictions::{Predictions, check_classes};

/// The two sides of a threshold on the normalised uncertainty. As in the paper, an item exactly on
/// the threshold is on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FourWay {
    /// Items with at most that uncertainty.
    pub confident: Side,
    /// Items with at least that uncertainty.
    pub uncertain: Side,
}

/// The answers on one side. `correct` and `accuracy` compare exact classes; the other figures only
/// compare whether the class is a positive one. Shares are `None` for 0/0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Side {
    /// The number of items.
    pub items: usize,
    /// Number of items whose class is predicted.
    pub correct: usize,
    /// Number of other items.
    pub incorrect: usize,
    /// Positive items predicted as positive.
    pub true_positives: usize,
    /// Negative items predicted as negative.
    pub true_negatives: usize,
    /// Negative items predicted as positive.
    pub false_positives: usize,
    /// Positive items predicted as negative.
    pub false_negatives: usize,
    /// Share of the items that have their class predicted.
    pub accuracy: Option<f64>,
    /// Share of the positive items that are predicted as such.
    pub sensitivity: Option<f64>,
    /// Share of the negative items that are predicted as such.
    pub specificity: Option<f64>,
    /// Share of the positive predictions that are right.
    pub positive_predictive_value: Option<f64>,
    /// Share of the negative predictions that are right.
    pub negative_predictive_value: Option<f64>,
}

/// Splits the answers at `threshold` on `uncertainty` (N values, normalised to [0, 1] by a
/// [`Range`](uncertainty::Range)).
///
/// # Errors
/// [`EvaluationError`] `Length`, `NotFinite`, or `LabelOutOfRange` if a positive class is not one
/// of the C classes.
pub fn four_way(
    predictions: &Predictions,
    uncertainty: &[f64],
    positive_classes: &[usize],
    threshold: f64,
) -> Result<FourWay, EvaluationError> {
    let (found, expected) = (uncertainty.len(), predictions.items());
    if found != expected {
        return Err(EvaluationError::Length {
            what: "uncertainties",
            found,
            expected,
        });
    }
    if let Some(item) = uncertainty.iter().position(|value| !value.is_finite()) {
        return Err(EvaluationError::NotFinite { item });
    }
    check_classes(positive_classes, predictions.classes())?;
    let classes = || predictions.labels().iter().zip(predictions.predicted());
    let side = |keep: fn(f64, f64) -> bool| {
        let answers = uncertainty.iter().zip(classes());
        let kept = answers.filter(|(value, _)| keep(**value, threshold));
        Side::of(kept.map(|(_, answer)| answer), positive_classes)
    };
    Ok(FourWay {
        confident: side(|value, threshold| value <= threshold),
        uncertain: side(|value, threshold| value >= threshold),
    })
}

impl Side {
    /// Of true and predicted classes.
    fn of<'a>(
        answers: impl Iterator<Item = (&'a usize, &'a usize)>,
        positive_classes: &[usize],
    ) -> Side {
        let (mut items, mut correct) = (0, 0);
        let (mut tp, mut tn, mut fp, mut fn_) = (0, 0, 0, 0);
        for (label, predicted) in answers {
            items += 1;
            correct += usize::from(label == predicted);
            let is = positive_classes.contains(label);
            let said = positive_classes.contains(predicted);
            let cell = match (is, said) {
                (true, true) => &mut tp,
                (false, false) => &mut tn,
                (false, true) => &mut fp,
                (true, false) => &mut fn_,
            };
            *cell += 1;
        }
        Side {
            items,
            correct,
            incorrect: items - correct,
            true_positives: tp,
            true_negatives: tn,
            false_positives: fp,
            false_negatives: fn_,
            accuracy: ratio(correct, items),
            sensitivity: ratio(tp, tp + fn_),
            specificity: ratio(tn, tn + fp),
            positive_predictive_value: ratio(tp, tp + fp),
            negative_predictive_value: ratio(tn, tn + fn_),
        }
    }
}
