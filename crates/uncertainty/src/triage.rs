//! Levels of urgency for review.

use serde::{Deserialize, Serialize};

use super::referral::{Action, Decision, Reason};
use super::summary::Summary;

/// How soon a person should look at a cell, most urgent first. Worklists have this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Triage {
    /// The cell is called high grade ([`Summary::called_high_grade`]).
    HighGrade,
    /// The cell is called abnormal ([`Summary::called_abnormal`]).
    Abnormal,
    /// The image is unlike the training images.
    Unlike,
    /// Referred for any other reason.
    Unsure,
    /// Accepted.
    Accepted,
}

impl Triage {
    /// The level of an answer. The call has priority over the decision: an accepted cell that is
    /// called abnormal comes before a cell that is unlike the training images.
    ///
    /// ```
    /// use uncertainty::{Samples, Triage, decide, summarise};
    ///
    /// let samples = Samples::from_rows(&[vec![0.2, 0.5, 0.3]])?;
    /// let summary = summarise(&samples)
    ///     .with_abnormal(&[false, true, true])
    ///     .with_high_grade(&[false, false, true]);
    /// assert_eq!(Triage::of(&summary, &decide(&summary, None)), Triage::Abnormal);
    /// # Ok::<(), uncertainty::SamplesError>(())
    /// ```
    pub fn of(summary: &Summary, decision: &Decision) -> Triage {
        if summary.called_high_grade == Some(true) {
            return Triage::HighGrade;
        }
        if summary.called_abnormal == Some(true) {
            return Triage::Abnormal;
        }
        if decision.reasons.contains(&Reason::OutOfDistribution) {
            return Triage::Unlike;
        }
        match decision.action {
            Action::Refer => Triage::Unsure,
            Action::Accept => Triage::Accepted,
        }
    }
}
