//! What a referral policy promises, and what each promise lets it accept.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::measure::Measure;

/// A bound α on one kind of mistake. What counts as a case and what as a mistake, on calibration cells, is
/// [`Outcome::counts`](super::risk_control::Outcome::counts).
///
/// A cell is called normal only if a normal class is the most probable one **and** the abnormal classes together are below ½;
/// every other cell is called abnormal ([`Summary::called_abnormal`](super::Summary::called_abnormal)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Promise {
    /// Of the accepted cells, at most α are normal called abnormal or abnormal called normal.
    #[serde(rename = "accept_error_2_classes")]
    AcceptError2Classes,
    /// Of the accepted cells, at most α have another class than the predicted one.
    AcceptError,
    /// Of the abnormal cells, at most α are accepted as normal. A sure cell that is called abnormal is accepted too: it is
    /// not missed, but nothing is promised about its class.
    MissedAbnormal,
    /// Of the cells accepted as normal, at most α are abnormal (1 − negative predictive value). No other cell is accepted.
    AutoClear,
    /// Of the abnormal cells, at most α are accepted. Only cells called normal are accepted.
    ClearMissedAbnormal,
    /// Of the high-grade cells, at most α are accepted. Only cells called normal are accepted.
    ClearMissedHighGrade,
}

/// What an accepted answer stands for: what the policy's promise bounds the mistakes of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AcceptedAs {
    /// The predicted class.
    Class,
    /// A normal cell. Which of several normal classes it has is not promised.
    Normal,
    /// An abnormal cell. Which of the abnormal classes it has is not promised.
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

    /// The name of a policy that makes it, with α in per cent.
    ///
    /// ```
    /// assert_eq!(uncertainty::Promise::AutoClear.policy_name(0.05), "auto_clear_5");
    /// ```
    pub fn policy_name(self, alpha: f64) -> String {
        format!("{}_{}", self.name(), percent(alpha))
    }

    /// The promise in words, for readers of a bundle.
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

    /// The question that a policy of this kind answers.
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

    /// Whether it bounds a share of the true cells of a kind, accepted or not, rather than a share of the accepted cells.
    pub(crate) fn bounds_missed(self) -> bool {
        match self {
            Promise::MissedAbnormal
            | Promise::ClearMissedAbnormal
            | Promise::ClearMissedHighGrade => true,
            Promise::AcceptError2Classes | Promise::AcceptError | Promise::AutoClear => false,
        }
    }

    /// The measure that ranks its mistakes unless another is chosen: doubt between normal and abnormal where only that counts.
    /// Among cells called normal, whose P(abnormal) is below ½, the order by abnormal entropy is the order by P(abnormal).
    pub fn measure(self) -> Measure {
        match self {
            Promise::AcceptError => Measure::PredictiveEntropy,
            _ => Measure::AbnormalEntropy,
        }
    }

    /// Whether only cells that are called normal can be accepted. Only such a policy may decide unasked.
    pub(crate) fn clears_only_normal(self) -> bool {
        match self {
            Promise::AutoClear | Promise::ClearMissedAbnormal | Promise::ClearMissedHighGrade => {
                true
            }
            Promise::AcceptError2Classes | Promise::AcceptError | Promise::MissedAbnormal => false,
        }
    }

    /// What an accepted answer stands for; `None` when the promise says nothing of it. `called_abnormal` is `None` when the model
    /// does not say which classes are abnormal.
    pub fn accepted_as(self, called_abnormal: Option<bool>) -> Option<AcceptedAs> {
        match (self, called_abnormal) {
            (Promise::AcceptError, _) => Some(AcceptedAs::Class),
            (_, Some(false)) => Some(AcceptedAs::Normal),
            (Promise::AcceptError2Classes, Some(true)) => Some(AcceptedAs::Abnormal),
            _ => None,
        }
    }

    /// Whether an answer so called may be accepted at all; `None` when the model does not say which classes are abnormal.
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

/// A share in per cent without the rounding of binary fractions: 0.07 is `7`, 0.025 is `2.5`.
fn percent(share: f64) -> f64 {
    (share * 1e8).round() / 1e6
}
