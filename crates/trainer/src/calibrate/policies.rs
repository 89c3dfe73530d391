//! Referral policies of one method: thresholds with certificates, tested on calibration cells.

use crate::TrainingError;
use uncertainty::{
    Policy, Promise, Summary,
    risk_control::{Grid, Outcome, Tally, certify},
};

/// The shares of mistakes that are promised not to be exceeded. A bundle's default is the first policy that
/// [may be](Policy::may_be_default).
pub(crate) const ALPHAS: [f64; 4] = [0.05, 0.1, 0.02, 0.01];

/// One minus the confidence of every promise.
pub(crate) const DELTA: f64 = 0.05;

/// What is known of the cells besides their scores, one entry per cell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownCells<'a> {
    /// The right output.
    pub labels: &'a [usize],
    /// The number of the image.
    pub images: &'a [usize],
    /// Whether the cell may be accepted at all; not when it is unlike the training cells.
    pub eligible: &'a [bool],
    /// Whether each output stands for an abnormal class.
    pub abnormal: &'a [bool],
}

/// The cells of a promise over its grid of thresholds.
///
/// # Errors
/// [`TrainingError::Promise`] when a measure is not finite.
pub(crate) fn tally(
    promise: Promise,
    summaries: &[Summary],
    known: &KnownCells<'_>,
) -> Result<Tally, TrainingError> {
    let measure = promise.measure();
    let none = || TrainingError::Impossible(format!("{measure} has no grid of thresholds"));
    let grid = Grid::of_measure(measure, known.abnormal.len()).ok_or_else(none)?;
    let outcome = |(cell, summary): (usize, &Summary)| {
        let (image, label) = (known.images[cell], known.labels[cell]);
        let eligible = known.eligible[cell];
        Outcome::of(image, summary, measure, label, known.abnormal, eligible)
    };
    let outcomes: Vec<Outcome> = summaries.iter().enumerate().map(outcome).collect();
    Ok(Tally::of(promise, &outcomes, &grid)?)
}

/// The promises that differ: with two classes the question of the class is the question of abnormality.
pub(crate) fn promises(classes: usize) -> impl Iterator<Item = Promise> {
    let differs = move |promise: &Promise| classes > 2 || *promise != Promise::AcceptError;
    Promise::ALL.into_iter().filter(differs)
}

/// A policy for each promise and share of mistakes, with its certificate or as "refer all"; those that promise something first.
///
/// `summaries` know which classes are abnormal ([`Summary::with_abnormal`]).
///
/// # Errors
/// [`TrainingError::Promise`] when nothing can be tested.
pub(crate) fn policies(
    summaries: &[Summary],
    known: &KnownCells<'_>,
) -> Result<Vec<Policy>, TrainingError> {
    let mut policies = Vec::new();
    for promise in promises(known.abnormal.len()) {
        let tally = tally(promise, summaries, known)?;
        for alpha in ALPHAS {
            let certified = certify(&tally, alpha, DELTA)?;
            policies.push(certified.into_policy(&tally, promise.measure()));
        }
    }
    // Readers look for what can be promised first.
    policies.sort_by_key(|policy| policy.threshold.is_none());
    Ok(policies)
}
