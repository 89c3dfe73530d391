//! Referral policies of one method: thresholds with certificates, tested on calibration cells.

use crate::TrainingError;
use bundle::{Label, PredictionSets, prediction_sets::SetCell};
use uncertainty::{
    ClassGroups, Policy, Promise, Summary,
    risk_control::{Grid, Outcome, Tally, certify},
};

/// The bounds on the share of mistakes. [`default_policy`] chooses a bundle's default.
pub(crate) const ALPHAS: [f64; 4] = [0.05, 0.1, 0.02, 0.01];

/// One minus the confidence of a promise; [`delta_of`] says which promises share it.
pub(crate) const DELTA: f64 = 0.05;

/// Facts of the cells besides their scores, one entry per cell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownCells<'a> {
    /// The true output.
    pub labels: &'a [usize],
    /// The number of the image.
    pub images: &'a [usize],
    /// Whether the cell may be accepted; false if it is unlike the training cells.
    pub eligible: &'a [bool],
    /// The outputs of abnormal and of high-grade classes.
    pub groups: ClassGroups<'a>,
}

/// Counts the cells of a promise over its grid of thresholds.
///
/// # Errors
/// [`TrainingError::Promise`] if a measure is infinite or NaN.
pub(crate) fn tally(
    promise: Promise,
    summaries: &[Summary],
    known: &KnownCells<'_>,
) -> Result<Tally, TrainingError> {
    let measure = promise.measure();
    let none = || TrainingError::Impossible(format!("{measure} has no grid of thresholds"));
    let grid = Grid::of_measure(measure, known.groups.abnormal.len()).ok_or_else(none)?;
    let outcome = |(cell, summary): (usize, &Summary)| {
        let (image, label) = (known.images[cell], known.labels[cell]);
        let eligible = known.eligible[cell];
        Outcome::of(image, summary, measure, label, known.groups, eligible)
    };
    let outcomes: Vec<Outcome> = summaries.iter().enumerate().map(outcome).collect();
    Ok(Tally::of(promise, &outcomes, &grid)?)
}

/// The distinct promises. With two classes, the class and abnormality are the same question;
/// without high-grade classes there is no promise about them.
pub(crate) fn promises(groups: ClassGroups<'_>) -> impl Iterator<Item = Promise> {
    let differs = move |promise: &Promise| match promise {
        Promise::AcceptError => groups.abnormal.len() > 2,
        Promise::ClearMissedHighGrade => groups.high_grade.contains(&true),
        _ => true,
    };
    Promise::ALL.into_iter().filter(differs)
}

/// One minus the confidence of each policy of a promise. The `clear_missed` policies share δ,
/// because the same cells choose the default among them: all of them hold at once with confidence 1
/// − δ.
pub(crate) fn delta_of(promise: Promise) -> f64 {
    match promise {
        Promise::ClearMissedAbnormal | Promise::ClearMissedHighGrade => DELTA / ALPHAS.len() as f64,
        _ => DELTA,
    }
}

/// A policy for each promise and bound, with its certificate or as "refer all"; certified policies
/// come first.
///
/// `summaries` must know which classes are abnormal ([`Summary::with_abnormal`]).
///
/// # Errors
/// [`TrainingError::Promise`] if nothing can be tested.
pub(crate) fn policies(
    summaries: &[Summary],
    known: &KnownCells<'_>,
) -> Result<Vec<Policy>, TrainingError> {
    let mut policies = Vec::new();
    for promise in promises(known.groups) {
        let tally = tally(promise, summaries, known)?;
        for alpha in ALPHAS {
            let certified = certify(&tally, alpha, delta_of(promise))?;
            policies.push(certified.into_policy(&tally, promise.measure()));
        }
    }
    // Certified policies first, because readers look for them.
    policies.sort_by_key(|policy| policy.threshold.is_none());
    Ok(policies)
}

/// The smallest share of the normal cells that a default must clear, so that it saves enough
/// reviews.
const LEAST_CLEARED: f64 = 0.3;

/// A certified policy that may be the default, and the counts at its threshold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CountedPolicy {
    /// The promise.
    pub promise: Promise,
    /// Its bound.
    pub alpha: f64,
    /// All cells.
    pub cells: u64,
    /// Cells accepted.
    pub accepted: u64,
    /// Cases of the promise.
    pub trials: u64,
    /// Mistakes.
    pub errors: u64,
}

/// The index of the default among certified policies: of those that bound the missed abnormal
/// cells, the strictest that clears at least [`LEAST_CLEARED`] of the normal cells. `None` means
/// refer all.
pub(crate) fn strictest_default(
    certified: impl IntoIterator<Item = CountedPolicy>,
) -> Option<usize> {
    let may_decide = certified.into_iter().enumerate().filter(|(_, policy)| {
        // Cases are the abnormal cells; mistakes are the accepted ones of them.
        let cleared = policy.accepted.saturating_sub(policy.errors) as f64;
        let normal = policy.cells.saturating_sub(policy.trials).max(1) as f64;
        policy.promise == Promise::ClearMissedAbnormal && cleared / normal >= LEAST_CLEARED
    });
    let strictest = may_decide.min_by(|left, right| left.1.alpha.total_cmp(&right.1.alpha));
    strictest.map(|(place, _)| place)
}

/// The default of a method by the certificates of its policies, see [`strictest_default`].
pub(crate) fn default_policy(policies: &[Policy]) -> Option<&Policy> {
    let may_decide = policies.iter().filter(|policy| policy.may_be_default());
    let counted: Vec<(&Policy, CountedPolicy)> = may_decide
        .filter_map(|policy| {
            let certificate = policy.certificate.as_ref()?;
            let counts = CountedPolicy {
                promise: policy.kind?,
                alpha: policy.alpha,
                cells: certificate.cells,
                accepted: (certificate.coverage * certificate.cells as f64).round() as u64,
                trials: certificate.trials,
                errors: certificate.errors,
            };
            Some((policy, counts))
        })
        .collect();
    let place = strictest_default(counted.iter().map(|(_, counts)| *counts))?;
    counted.get(place).map(|(policy, _)| *policy)
}

/// The confidences of prediction sets.
const CONFIDENCES: [f64; 3] = [0.8, 0.9, 0.95];

/// Prediction sets at every confidence.
///
/// # Errors
/// As `uncertainty` for invalid confidences; these are valid.
pub(crate) fn prediction_sets(
    summaries: &[Summary],
    known: &KnownCells<'_>,
    labels: &[Label],
) -> Result<Vec<PredictionSets>, TrainingError> {
    let cells = summaries.iter().zip(known.labels).zip(known.images);
    let cells = cells.map(|((summary, label), image)| SetCell {
        probabilities: &summary.mean,
        label: *label,
        image: *image,
    });
    let cells: Vec<SetCell<'_>> = cells.collect();
    let of = |confidence| PredictionSets::fit(labels, &cells, confidence);
    let sets: Result<Vec<_>, _> = CONFIDENCES.into_iter().map(of).collect();
    sets.map_err(|error| TrainingError::Impossible(error.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use uncertainty::{Samples, summarise};

    const FLAGS: [bool; 2] = [false, true];

    /// 300 images, each with a normal cell of P(abnormal) .02 and an abnormal one of this
    /// P(abnormal).
    fn chosen(of_abnormal: f64) -> Option<String> {
        let summary = |cell: usize| {
            let p = if cell.is_multiple_of(2) {
                0.02
            } else {
                of_abnormal
            };
            let samples = Samples::from_probabilities(vec![1.0 - p, p], 2).unwrap();
            summarise(&samples).with_abnormal(&FLAGS)
        };
        let summaries: Vec<Summary> = (0..600).map(summary).collect();
        let known = KnownCells {
            labels: &(0..600).map(|cell| cell % 2).collect::<Vec<_>>(),
            images: &(0..600).map(|cell| cell / 2).collect::<Vec<_>>(),
            eligible: &[true; 600],
            groups: ClassGroups {
                abnormal: &FLAGS,
                high_grade: &[false; 2],
            },
        };
        let policies = policies(&summaries, &known).unwrap();
        let none = |policy: &Policy| policy.kind == Some(Promise::ClearMissedHighGrade);
        assert!(!policies.iter().any(none), "no class is high grade");
        default_policy(&policies).map(|policy| policy.name.clone())
    }

    #[test]
    fn default_is_strictest_useful_policy() {
        // 300 images without a mistake suffice for 5% at δ / 4, but not for 2%, since unseen images
        // may be worse.
        assert_eq!(chosen(0.9).as_deref(), Some("clear_missed_abnormal_5"));
        assert_eq!(chosen(0.02), None, "no threshold tells them apart");
    }
}
