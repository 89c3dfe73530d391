//! Finds a certified threshold from labelled cells.

use serde::{Deserialize, Serialize};

use super::error::{RiskError, check_probability};
use super::further::further_images;
use super::moments::Moments;
use super::p_value::{PValue, UNSEEN_MISTAKEN, clopper_pearson_upper};
use super::sequence::{Sequence, Test};
use super::tally::Tally;
use crate::{Measure, Policy};

/// The evidence for a promise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Number of calibration images.
    pub images: u64,
    /// Number of calibration cells.
    pub cells: u64,
    /// Share of the calibration cells that the threshold accepts; 0 if nothing is promised.
    pub coverage: f64,
    /// Cases of the promise at the threshold, or at the first tested threshold if nothing is
    /// promised.
    pub trials: u64,
    /// Mistakes among them.
    pub errors: u64,
    /// The largest p-value at that threshold; absent if there were too few cases or images for any
    /// test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_value: Option<f64>,
    /// If nothing is promised: how many more images, similar to the present ones, would be enough
    /// for a promise. Absent if something is promised, or if no number would be enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub further_images: Option<u64>,
    /// Whether cells were counted as called normal only if the abnormal classes together are below
    /// ½, as in decisions. Older certificates used the most probable class alone and lack this key.
    #[serde(default, skip_serializing_if = "is_false")]
    pub abnormal_below_half: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// The results at one threshold of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Step {
    /// The threshold.
    pub threshold: f64,
    /// Number of accepted cells.
    pub accepted: u64,
    /// Number of cases of the promise.
    pub trials: u64,
    /// Number of mistakes among the cases.
    pub errors: u64,
    /// Upper bound of the risk at level 1 − δ, assuming independent cells (Clopper and Pearson).
    pub risk_upper: f64,
    /// The p-values of all tests.
    pub p_value: PValue,
    /// Whether the sequence of tests reached this threshold and passed.
    pub certified: bool,
}

/// The result of [`certify`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Certified {
    /// The loosest certified threshold; `None` refers every cell.
    pub threshold: Option<f64>,
    /// The bound α on the risk.
    pub alpha: f64,
    /// δ, one minus the confidence.
    pub delta: f64,
    /// The evidence for the promise.
    pub certificate: Certificate,
    /// The results at every threshold of the grid, strictest first.
    pub steps: Vec<Step>,
}

/// Finds the loosest threshold at which the tally's promise holds with a risk of at most `alpha`
/// and confidence 1 − `delta`, both in (0, 1).
///
/// Tests the thresholds in the order of [`Sequence::of`] until a p-value exceeds δ.
///
/// ```
/// use uncertainty::{
///     Measure, Promise,
///     risk_control::{Grid, Outcome, Tally, certify},
/// };
///
/// // 400 images with one cell each. Answers with a low uncertainty are right.
/// let cells: Vec<Outcome> = (0..400)
///     .map(|image| {
///         let sure = image % 2 == 0;
///         Outcome {
///             image,
///             uncertainty: if sure { 0.1 } else { 0.6 },
///             eligible: true,
///             abnormal: false,
///             high_grade: false,
///             called_abnormal: false,
///             right_class: sure,
///         }
///     })
///     .collect();
/// let grid = Grid::new(vec![0.2, 0.4, 0.6])?;
/// let tally = Tally::of(Promise::AcceptError, &cells, &grid)?;
/// let certified = certify(&tally, 0.05, 0.05)?;
/// assert_eq!(certified.threshold, Some(0.4));
/// let policy = certified.into_policy(&tally, Measure::PredictiveEntropy);
/// assert_eq!(policy.name, "accept_error_5");
/// # Ok::<(), uncertainty::risk_control::RiskError>(())
/// ```
///
/// # Errors
/// [`RiskError::NotAProbability`] when `alpha` or `delta` is not strictly between 0 and 1.
pub fn certify(tally: &Tally, alpha: f64, delta: f64) -> Result<Certified, RiskError> {
    check_probability("alpha", alpha)?;
    check_probability("delta", delta)?;
    let moments = tally.moments();
    let sequence = Sequence::of(&moments, alpha, delta, Test::Guarded(UNSEEN_MISTAKEN));
    let at = |step: Option<usize>| step.and_then(|step| moments.get(step));
    let thresholds = tally.grid().thresholds();
    let steps = thresholds.iter().zip(&moments).enumerate();
    Ok(Certified {
        threshold: sequence
            .chosen()
            .and_then(|step| thresholds.get(step).copied()),
        alpha,
        delta,
        certificate: match at(sequence.chosen()) {
            Some(chosen) => Certificate::of(tally, chosen, alpha),
            None => Certificate::of_nothing(tally, at(sequence.start), alpha, delta),
        },
        steps: steps
            .map(|(index, (&threshold, moments))| {
                let certified = sequence.certified.contains(&index);
                Step::of(threshold, moments, alpha, delta, certified)
            })
            .collect(),
    })
}

impl Certificate {
    fn of(tally: &Tally, chosen: &Moments, alpha: f64) -> Certificate {
        Certificate {
            images: tally.images().len() as u64,
            cells: tally.cells(),
            coverage: chosen.accepted as f64 / tally.cells() as f64,
            trials: chosen.trials,
            errors: chosen.errors,
            p_value: Some(PValue::of(chosen, alpha).judged()),
            further_images: None,
            abnormal_below_half: true,
        }
    }

    fn of_nothing(tally: &Tally, first: Option<&Moments>, alpha: f64, delta: f64) -> Certificate {
        Certificate {
            images: tally.images().len() as u64,
            cells: tally.cells(),
            coverage: 0.0,
            trials: first.map_or(0, |first| first.trials),
            errors: first.map_or(0, |first| first.errors),
            p_value: first.map(|first| PValue::of(first, alpha).judged()),
            further_images: further_images(tally, alpha, delta),
            abnormal_below_half: true,
        }
    }
}

impl Step {
    fn of(threshold: f64, moments: &Moments, alpha: f64, delta: f64, certified: bool) -> Step {
        Step {
            threshold,
            accepted: moments.accepted,
            trials: moments.trials,
            errors: moments.errors,
            risk_upper: clopper_pearson_upper(moments.errors, moments.trials, delta),
            p_value: PValue::of(moments, alpha),
            certified,
        }
    }
}

impl Certified {
    /// Turns the result into a policy with the tally's promise, for `measure`.
    pub fn into_policy(self, tally: &Tally, measure: Measure) -> Policy {
        let promise = tally.promise();
        Policy {
            name: promise.policy_name(self.alpha),
            measure,
            threshold: self.threshold,
            alpha: self.alpha,
            delta: self.delta,
            promise: promise.in_words(self.alpha, self.delta),
            kind: Some(promise),
            certificate: Some(self.certificate),
        }
    }
}
