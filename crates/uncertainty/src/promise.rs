//! Promises of referral policies, and the answers that each promise allows to accept.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::measure::Measure;

/// A bound α on one kind of mistake. [`Outcome::counts`](super::risk_control::Outcome::counts)
/// defines the cases and the mistakes of each promise on calibration cells.
///
/// A cell is called normal if a normal class is the most probable one **and** the abnormal classes
/// together are below ½. Every other cell is called abnormal
/// ([`Summary::called_abnormal`](super::Summary::called_abnormal)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Promise {
    /// Of the accepted cells, at most α are normal cells called abnormal or abnormal cells called
    /// normal.
    #[serde(rename = "accept_error_2_classes")]
    AcceptError2Classes,
    /// Of the accepted cells, at most α belong to another class than the predicted one.
    AcceptError,
    /// Of the abnormal cells, at most α are accepted as normal. Cells called abnormal can be
    /// accepted, too. They are not missed, but the promise says nothing about their class.
    MissedAbnormal,
    /// Of the cells accepted as normal, at most α are abnormal (1 − negative predictive value). No
    /// other cell is accepted.
    AutoClear,
    /// Of the abnormal cells, at most α are accepted. Only cells called normal are accepted.
    ClearMissedAbnormal,
    /// Of the high-grade cells, at most α are accepted. Only cells called normal are accepted.
    ClearMissedHighGrade,
}

/// What an accepted answer states: the part of it that the policy's promise covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AcceptedAs {
    /// The predicted class.
    Class,
    /// A normal cell. The promise does not cover which normal class.
    Normal,
    /// An abnormal cell. The promise does not cover which abnormal class.
    Abnormal,
}

impl Promise {
    /// Every promise, in the order of bundles and reports.
    pub const ALL: [Promise; 6] = [
        Promise::ClearMissedAbnormal,
        Promise::ClearMissedHighGrade,
        Promise::AcceptError2Classes,
        Promise::AcceptError,
        Promise::MissedAbnormal,
        Promise::AutoClear,
    ];

    /// The name in files and answers, as serde writes it.
    pub fn name(self) -> &'static str {
        match self {
            Promise::AcceptError2Classes => "accept_error_2_classes",
            Promise::AcceptError => "accept_error",
            Promise::MissedAbnormal => "missed_abnormal",
            Promise::AutoClear => "auto_clear",
            Promise::ClearMissedAbnormal => "clear_missed_abnormal",
            Promise::ClearMissedHighGrade => "clear_missed_high_grade",
        }
    }

    /// The name of a policy with this promise and bound: the promise's name and α in per cent.
    ///
    /// ```
    /// assert_eq!(uncertainty::Promise::AutoClear.policy_name(0.05), "auto_clear_5");
    /// ```
    pub fn policy_name(self, alpha: f64) -> String {
        format!("{}_{}", self.name(), percent(alpha))
    }

    /// The promise as a sentence with the bound α and the confidence 1 − δ.
    ///
    /// ```
    /// assert_eq!(
    ///     uncertainty::Promise::AcceptError.in_words(0.05, 0.1),
    ///     "of the cells accepted, at most 5% have another class, with confidence 90%"
    /// );
    /// ```
    pub fn in_words(self, alpha: f64, delta: f64) -> String {
        let most = percent(alpha);
        let bound = match self {
            Promise::AcceptError2Classes => format!(
                "of the cells accepted, at most {most}% are normal called abnormal or abnormal called normal"
            ),
            Promise::AcceptError => {
                format!("of the cells accepted, at most {most}% have another class")
            }
            Promise::MissedAbnormal => {
                format!("of the abnormal cells, at most {most}% are accepted as normal")
            }
            Promise::AutoClear => format!(
                "of the cells accepted, all of them called normal, at most {most}% are abnormal"
            ),
            Promise::ClearMissedAbnormal => format!(
                "of the abnormal cells, at most {most}% are accepted; only cells called normal are accepted"
            ),
            Promise::ClearMissedHighGrade => format!(
                "of the high-grade cells, at most {most}% are accepted; only cells called normal are accepted"
            ),
        };
        format!("{bound}, with confidence {}%", percent(1.0 - delta))
    }

    /// The question that an accepted answer settles.
    pub fn question(self) -> &'static str {
        match self {
            Promise::AcceptError => "may the predicted class be used without a person's look?",
            Promise::AcceptError2Classes | Promise::MissedAbnormal => {
                "may the call, normal or abnormal, be used without a person's look?"
            }
            Promise::AutoClear | Promise::ClearMissedAbnormal | Promise::ClearMissedHighGrade => {
                "may this cell go without a person's look?"
            }
        }
    }

    /// Whether the bound is a share of the abnormal or high-grade cells, rather than of the
    /// accepted cells.
    pub(crate) fn bounds_missed(self) -> bool {
        match self {
            Promise::MissedAbnormal
            | Promise::ClearMissedAbnormal
            | Promise::ClearMissedHighGrade => true,
            Promise::AcceptError2Classes | Promise::AcceptError | Promise::AutoClear => false,
        }
    }

    /// The default measure of policies with this promise. Promises about normal and abnormal use
    /// the entropy between these two. Among cells called normal, which have P(abnormal) below ½, it
    /// orders cells as P(abnormal) does.
    pub fn measure(self) -> Measure {
        match self {
            Promise::AcceptError => Measure::PredictiveEntropy,
            _ => Measure::AbnormalEntropy,
        }
    }

    /// Whether only cells called normal can be accepted. Only such a policy can be a default
    /// policy.
    pub(crate) fn clears_only_normal(self) -> bool {
        match self {
            Promise::AutoClear | Promise::ClearMissedAbnormal | Promise::ClearMissedHighGrade => {
                true
            }
            Promise::AcceptError2Classes | Promise::AcceptError | Promise::MissedAbnormal => false,
        }
    }

    /// What an accepted answer states; `None` if the promise does not cover it. `called_abnormal`
    /// is `None` if the model does not say which classes are abnormal.
    pub fn accepted_as(self, called_abnormal: Option<bool>) -> Option<AcceptedAs> {
        match (self, called_abnormal) {
            (Promise::AcceptError, _) => Some(AcceptedAs::Class),
            (_, Some(false)) => Some(AcceptedAs::Normal),
            (Promise::AcceptError2Classes, Some(true)) => Some(AcceptedAs::Abnormal),
            _ => None,
        }
    }

    /// Whether an answer with this call may be accepted. `called_abnormal` is `None` if the model
    /// does not say which classes are abnormal.
    pub fn may_accept(self, called_abnormal: Option<bool>) -> bool {
        match self {
            Promise::AcceptError => true,
            Promise::AcceptError2Classes | Promise::MissedAbnormal => called_abnormal.is_some(),
            Promise::AutoClear | Promise::ClearMissedAbnormal | Promise::ClearMissedHighGrade => {
                called_abnormal == Some(false)
            }
        }
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A share in per cent, without the rounding error of binary fractions: 0.07 is `7`, 0.025 is
/// `2.5`.
fn percent(share: f64) -> f64 {
    (share * 1e8).round() / 1e6
}
