//! From labelled cells to a threshold with a certificate.

use serde::{Deserialize, Serialize};

use super::error::{RiskError, check_probability};
use super::further::further_images;
use super::moments::Moments;
use super::p_value::{PValue, UNSEEN_MISTAKEN, clopper_pearson_upper};
use super::sequence::{Sequence, Test};
use super::tally::Tally;
use crate::{Measure, Policy};

/// What a promise rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Calibration images.
    pub images: u64,
    /// Calibration cells, all of them.
    pub cells: u64,
    /// Share of the calibration cells that the threshold accepts; 0 when nothing is promised.
    pub coverage: f64,
    /// Cases of the promise at the threshold, or at the first one tested when nothing is promised.
    pub trials: u64,
    /// Mistakes among them.
    pub errors: u64,
    /// The largest p-value there; absent when there were too few cases or images to test any threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_value: Option<f64>,
    /// When nothing is promised, how many images more would promise something if they were like the present ones; absent when
    /// something is promised, and when no number would do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub further_images: Option<u64>,
    /// Whether cells were counted as called normal only where the abnormal classes together are below ½, as decisions are made.
    /// Certificates made before that rule went by the most probable class alone; they lack the key.
    #[serde(default, skip_serializing_if = "is_false")]
    pub abnormal_below_half: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// One threshold of the grid and what was found there.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Step {
    /// The threshold.
    pub threshold: f64,
    /// Cells accepted.
    pub accepted: u64,
    /// Cases of the promise.
    pub trials: u64,
    /// Mistakes.
    pub errors: u64,
    /// Upper bound of the risk at level 1 − δ, as if cells were independent (Clopper and Pearson).
    pub risk_upper: f64,
    /// Every test.
    pub p_value: PValue,
    /// Whether the sequence of tests came here and passed.
    pub certified: bool,
}

/// The threshold that was found, or none, and how.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Certified {
    /// The loosest threshold that can be promised; `None`: refer all.
    pub threshold: Option<f64>,
    /// The bound on the risk.
    pub alpha: f64,
    /// One minus the confidence.
    pub delta: f64,
    /// What the promise rests on.
    pub certificate: Certificate,
    /// Every step of the grid, strictest first.
    pub steps: Vec<Step>,
}

/// Finds the loosest threshold at which the tally's promise holds with risk ≤ `alpha` and confidence 1 − `delta`.
///
/// The steps are tested by [`Sequence::of`], as long as the largest p-value is ≤ δ.
///
/// ```
/// use uncertainty::{
///     Measure, Promise,
///     risk_control::{Grid, Outcome, Tally, certify},
/// };
///
/// // A cell in each of 400 images, and an answer that is right whenever it is sure.
/// let cells: Vec<Outcome> = (0..400)
///     .map(|image| {
///         let sure = image % 2 == 0;
///         Outcome {
///             image,
///             uncertainty: if sure { 0.1 } else { 0.6 },
///             eligible: true,
///             abnormal: false,
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
    /// The policy that makes the tally's promise by this threshold, looking at `measure`.
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::grid::Grid;
    use super::super::tally::Outcome;
    use super::*;
    use crate::Promise;

    /// `images` images of 20 cells; the uncertainty of a cell is its place, .05 to 1, and half of the cells are abnormal. In
    /// every `every`th image the cell at each of `wrong` is called otherwise than it is.
    fn cells(images: usize, every: usize, wrong: &[usize]) -> Vec<Outcome> {
        let cell = |image: usize, place: usize| {
            let mistaken = image.is_multiple_of(every) && wrong.contains(&place);
            let abnormal = place.is_multiple_of(2);
            Outcome {
                image,
                uncertainty: (place + 1) as f64 / 20.0,
                eligible: true,
                abnormal,
                called_abnormal: abnormal != mistaken,
                right_class: !mistaken,
            }
        };
        let of_image = |image| (0..20).map(move |place| cell(image, place));
        (0..images).flat_map(of_image).collect()
    }

    fn tally(promise: Promise, cells: &[Outcome]) -> Tally {
        let grid = Grid::new((1..=20).map(|step| f64::from(step) / 20.0).collect()).unwrap();
        Tally::of(promise, cells, &grid).unwrap()
    }

    #[test]
    fn the_threshold_lies_before_the_first_step_that_breaks_the_promise() {
        let tally = tally(Promise::AcceptError, &cells(60, 1, &[12, 13, 14]));
        let certified = certify(&tally, 0.05, 0.05).unwrap();
        assert_eq!(certified.threshold, Some(0.6));
        let wanted = Certificate {
            images: 60,
            cells: 1_200,
            coverage: 0.6,
            trials: 720,
            errors: 0,
            p_value: Some(certified.steps[11].p_value.judged()),
            further_images: None,
            abnormal_below_half: true,
        };
        assert_eq!(certified.certificate, wanted);
        let passed: Vec<usize> = (0..20)
            .filter(|&step| certified.steps[step].certified)
            .collect();
        // It begins at a quarter of the cells.
        assert_eq!(passed, (4..12).collect::<Vec<_>>());
        let policy = certified.into_policy(&tally, Measure::PredictiveEntropy);
        assert_eq!(policy.check(), Ok(()));
        assert_eq!(
            (policy.name.as_str(), policy.threshold, policy.kind),
            ("accept_error_5", Some(0.6), Some(Promise::AcceptError))
        );
    }

    #[test]
    fn missed_abnormal_cells_are_a_share_of_all_abnormal_ones_and_the_threshold_is_looser_for_it() {
        // 1 of the 10 abnormal cells of every fourth image is called normal: 2.5% of the abnormal, more of those accepted.
        let cells = cells(160, 4, &[8]);
        let threshold = |promise| {
            certify(&tally(promise, &cells), 0.05, 0.05)
                .unwrap()
                .threshold
        };
        assert_eq!(threshold(Promise::MissedAbnormal), Some(1.0));
        assert_eq!(
            certify(&tally(Promise::MissedAbnormal, &cells), 0.02, 0.05)
                .unwrap()
                .threshold,
            Some(0.4)
        );
    }

    #[test]
    fn auto_clear_accepts_and_counts_only_what_is_called_normal() {
        let certified =
            certify(&tally(Promise::AutoClear, &cells(60, 1, &[])), 0.05, 0.05).unwrap();
        let certificate = &certified.certificate;
        assert_eq!((certificate.coverage, certificate.trials), (0.5, 600));
    }

    #[test]
    fn where_nothing_can_be_promised_the_further_images_are_those_that_would_do() {
        // Without a mistake 10% takes 29 cells at the first tested step, which accepts a quarter, from 20 images.
        let few = tally(Promise::AcceptError, &cells(30, 1, &[19]));
        let certified = certify(&few, 0.1, 0.05).unwrap();
        assert!(certified.threshold.is_some(), "30 images are enough");
        let fewer = tally(Promise::AcceptError, &cells(12, 1, &[19]));
        let certified = certify(&fewer, 0.1, 0.05).unwrap();
        assert_eq!(
            (certified.threshold, certified.certificate.p_value),
            (None, None)
        );
        assert_eq!(certified.certificate.coverage, 0.0);
        let further = certified.certificate.further_images.unwrap();
        let enough = tally(
            Promise::AcceptError,
            &cells(12 + further as usize, 1, &[19]),
        );
        assert!(certify(&enough, 0.1, 0.05).unwrap().threshold.is_some());
        assert_eq!(
            further, 9,
            "21 images: 20 leave too much room for those unseen"
        );
    }

    #[test]
    fn no_number_of_images_helps_when_the_risk_is_above_the_bound_everywhere() {
        let places: Vec<usize> = (0..20).collect();
        let certified = certify(
            &tally(Promise::AcceptError, &cells(60, 5, &places)),
            0.05,
            0.05,
        );
        let certified = certified.unwrap();
        assert_eq!(certified.threshold, None);
        assert_eq!(certified.certificate.further_images, None);
        assert!(certified.certificate.p_value.unwrap() > 0.9);
        assert!(certified.steps.iter().all(|step| !step.certified));
    }

    #[test]
    fn without_cells_nothing_is_promised() {
        let certified = certify(&tally(Promise::AutoClear, &[]), 0.05, 0.05).unwrap();
        assert_eq!(
            (certified.threshold, certified.certificate.cells),
            (None, 0)
        );
        assert_eq!(certified.certificate.further_images, None);
    }
}
