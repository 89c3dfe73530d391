//! The paper's four-way table: confident or uncertain, right or wrong.

use serde::Serialize;

use super::classification::ratio;
use super::error::EvaluationError;
use super::predictions::{Predictions, check_classes};

/// The two sides of one threshold. As in the paper, an item exactly on the threshold is on both.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FourWay {
    /// The threshold on the normalised uncertainty.
    pub threshold: f64,
    /// How many items are exactly on it.
    pub at_threshold: usize,
    /// The items of at most that uncertainty.
    pub confident: Side,
    /// The items of at least that uncertainty.
    pub uncertain: Side,
}

/// The answers on one side. `correct` and `accuracy` ask for the exact class; the rest asks only whether the class is one of
/// the positive ones. Shares are `None` for 0/0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Side {
    /// How many items there are.
    pub items: usize,
    /// How many have their class predicted.
    pub correct: usize,
    /// How many do not.
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

/// One answer: its uncertainty, and true and predicted class.
struct FourWayAnswer {
    uncertainty: f64,
    label: usize,
    predicted: usize,
}

/// Splits the answers at `threshold` on `uncertainty` (N values, normalised to [0, 1] by a
/// [`Range`](uncertainty::Range)).
///
/// # Errors
/// [`EvaluationError`] `Length`, `NotFinite`, or `LabelOutOfRange` when a positive class is none of the C classes.
pub fn four_way(
    predictions: &Predictions,
    uncertainty: &[f64],
    positive_classes: &[usize],
    threshold: f64,
) -> Result<FourWay, EvaluationError> {
    if uncertainty.len() != predictions.items() {
        let (found, expected) = (uncertainty.len(), predictions.items());
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
    let answers = answers(predictions, uncertainty);
    let side = |keep: fn(f64, f64) -> bool| {
        let kept = answers
            .iter()
            .filter(|answer| keep(answer.uncertainty, threshold));
        Side::of(kept, positive_classes)
    };
    Ok(FourWay {
        threshold,
        at_threshold: side(|value, threshold| value == threshold).items,
        confident: side(|value, threshold| value <= threshold),
        uncertain: side(|value, threshold| value >= threshold),
    })
}

fn answers(predictions: &Predictions, uncertainty: &[f64]) -> Vec<FourWayAnswer> {
    let classes = predictions.labels().iter().zip(predictions.predicted());
    let answers = uncertainty.iter().zip(classes);
    answers
        .map(|(&uncertainty, (&label, &predicted))| FourWayAnswer {
            uncertainty,
            label,
            predicted,
        })
        .collect()
}

impl Side {
    fn of<'a>(
        answers: impl Iterator<Item = &'a FourWayAnswer>,
        positive_classes: &[usize],
    ) -> Side {
        let (mut items, mut correct) = (0, 0);
        let (mut tp, mut tn, mut fp, mut fn_) = (0, 0, 0, 0);
        for answer in answers {
            items += 1;
            correct += usize::from(answer.label == answer.predicted);
            let is = positive_classes.contains(&answer.label);
            let said = positive_classes.contains(&answer.predicted);
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
