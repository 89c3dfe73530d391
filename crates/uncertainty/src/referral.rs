//! Referral policies: a measure, a threshold and the promise that they keep.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::measure::Measure;
use super::promise::{AcceptedAs, Promise};
use super::risk_control::Certificate;
use super::summary::Summary;

const CALLED_BY_CLASS_ALONE: &str = "counted on cells that were called normal by their most probable class alone; decisions call \
    a cell normal only if the abnormal classes together are below one half, too";

/// A rule that accepts an answer if a measure is at most a threshold, and refers it to a person
/// otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The name in requests and answers.
    pub name: String,
    /// The measure that the threshold applies to.
    pub measure: Measure,
    /// The largest accepted value, in the measure's unit. If absent, the policy refers every cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// The bound α on the share of mistakes, in (0, 1).
    pub alpha: f64,
    /// The probability δ, over calibration sets, that the promise does not hold, in (0, 1).
    pub delta: f64,
    /// The promise as a sentence.
    pub promise: String,
    /// The kind of promise, which restricts the answers that can be accepted. If absent, any answer
    /// can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Promise>,
    /// The evidence for the promise; absent if the author chose the threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
}

/// Why a policy cannot be used.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The policy has no name.
    #[error("a referral policy has no name: set `name`, such as \"my_policy\"")]
    NoName,
    /// The threshold is NaN or infinite.
    #[error(
        "the threshold of policy `{policy}` is not finite: write a number, or delete it to refer every cell"
    )]
    Threshold {
        /// Name of the policy.
        policy: String,
    },
    /// `alpha` or `delta` is not strictly between 0 and 1.
    #[error(
        "`{field}` of policy `{policy}` is {value}, expected a number greater than 0 and less than 1"
    )]
    NotAProbability {
        /// Name of the policy.
        policy: String,
        /// `alpha` or `delta`.
        field: &'static str,
        /// Its value.
        value: f64,
    },
    /// A share in the certificate is not between 0 and 1.
    #[error(
        "`{field}` in the certificate of policy `{policy}` is {value}, expected a number from 0 to 1"
    )]
    Certificate {
        /// Name of the policy.
        policy: String,
        /// `coverage` or `p_value`.
        field: &'static str,
        /// What it is.
        value: f64,
    },
}

/// What to do with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Accept the answer: the policy's promise covers it.
    Accept,
    /// Refer the answer: a person has to look.
    Refer,
}

/// Why an answer is referred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The measure is above the threshold or undefined, or the policy accepts nothing.
    Uncertain,
    /// The image is unlike the training images.
    OutOfDistribution,
    /// No policy decided: the request names none, and the method has no default policy.
    NoPolicy,
    /// The cell is called abnormal. Every referred cell that is called abnormal has this reason, in
    /// addition to others.
    Abnormal,
}

/// A decision, the policy that made it, and the reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Accept or refer.
    pub action: Action,
    /// Name of the policy that decided; `None` without a policy.
    pub policy: Option<String>,
    /// The question that the policy answers ([`Promise::question`]); `None` without a policy or
    /// without its kind.
    pub question: Option<&'static str>,
    /// What an accepted answer states; `None` if it is referred, or if the policy does not say.
    pub accepted_as: Option<AcceptedAs>,
    /// The reasons for a referral, `abnormal` first; empty if the answer is accepted.
    pub reasons: Vec<Reason>,
}

impl Decision {
    /// Refers the answer for a reason that is outside the policy.
    pub fn refer(&mut self, reason: Reason, summary: &Summary) {
        self.action = Action::Refer;
        self.accepted_as = None;
        if summary.called_abnormal == Some(true) && !self.reasons.contains(&Reason::Abnormal) {
            self.reasons.insert(0, Reason::Abnormal);
        }
        self.reasons.push(reason);
    }
}

impl Policy {
    /// Checks values that were read from a file.
    ///
    /// # Errors
    /// Every variant of [`PolicyError`].
    pub fn check(&self) -> Result<(), PolicyError> {
        if self.name.is_empty() {
            return Err(PolicyError::NoName);
        }
        if self
            .threshold
            .is_some_and(|threshold| !threshold.is_finite())
        {
            return Err(PolicyError::Threshold {
                policy: self.name.clone(),
            });
        }
        self.check_probability("alpha", self.alpha)?;
        self.check_probability("delta", self.delta)?;
        self.check_certificate()
    }

    fn check_certificate(&self) -> Result<(), PolicyError> {
        let Some(certificate) = &self.certificate else {
            return Ok(());
        };
        let shares = [
            ("coverage", certificate.coverage),
            ("p_value", certificate.p_value.unwrap_or(0.0)),
        ];
        match shares
            .iter()
            .find(|(_, value)| !(0.0..=1.0).contains(value))
        {
            Some(&(field, value)) => Err(PolicyError::Certificate {
                policy: self.name.clone(),
                field,
                value,
            }),
            None => Ok(()),
        }
    }

    fn check_probability(&self, field: &'static str, value: f64) -> Result<(), PolicyError> {
        if value > 0.0 && value < 1.0 {
            return Ok(());
        }
        Err(PolicyError::NotAProbability {
            policy: self.name.clone(),
            field,
            value,
        })
    }

    /// Whether this can be a default policy: it accepts only cells called normal, and its
    /// certificate shows that the threshold passed the tests.
    pub fn may_be_default(&self) -> bool {
        let p_value = self.certificate.as_ref().and_then(|found| found.p_value);
        let passed = p_value.is_some_and(|p_value| p_value <= self.delta);
        let certified = self.threshold.is_some() && passed;
        certified && self.kind.is_some_and(Promise::clears_only_normal)
    }

    /// A caveat to the promise; `None` if there is none.
    ///
    /// Older certificates counted a cell as called normal by its most probable class alone.
    /// Decisions also require the abnormal classes together to be below ½.
    pub fn caveat(&self) -> Option<&'static str> {
        let certificate = self.certificate.as_ref()?;
        let about_calls = self.kind.is_some_and(|kind| kind != Promise::AcceptError);
        let outdated = about_calls && self.threshold.is_some() && !certificate.abnormal_below_half;
        outdated.then_some(CALLED_BY_CLASS_ALONE)
    }

    /// Whether the policy accepts the answer. Promises about normal and abnormal need a summary
    /// [with the abnormal classes](Summary::with_abnormal).
    pub(super) fn accepts(&self, summary: &Summary) -> bool {
        let called = summary.called_abnormal;
        self.is_sure_enough(summary) && self.kind.is_none_or(|kind| kind.may_accept(called))
    }

    /// Whether the measure is defined and at most the threshold.
    fn is_sure_enough(&self, summary: &Summary) -> bool {
        let value = self.measure.of(summary).zip(self.threshold);
        value.is_some_and(|(value, threshold)| value <= threshold)
    }

    /// Why the answer is referred.
    fn reasons(&self, summary: &Summary) -> Vec<Reason> {
        let called = summary.called_abnormal;
        let abnormal = (called == Some(true)).then_some(Reason::Abnormal);
        // Without a call, a promise about normal and abnormal covers nothing.
        let uncalled = called.is_none() && self.kind.is_some_and(|kind| !kind.may_accept(None));
        let uncertain = !self.is_sure_enough(summary) || uncalled;
        let uncertain = uncertain.then_some(Reason::Uncertain);
        abnormal.into_iter().chain(uncertain).collect()
    }
}

/// Accepts an answer if the policy's measure is defined and at most its threshold, and its kind of
/// promise allows it. Refers all other answers, and all answers without a policy. Promises about
/// normal and abnormal need a summary [with the abnormal classes](Summary::with_abnormal).
///
/// ```
/// use uncertainty::{Action, Measure, Policy, Promise, Reason, Samples, decide, summarise};
///
/// let policy = Policy {
///     name: "auto_clear_5".to_owned(),
///     measure: Measure::AbnormalEntropy,
///     threshold: Some(0.3),
///     alpha: 0.05,
///     delta: 0.05,
///     promise: Promise::AutoClear.in_words(0.05, 0.05),
///     kind: Some(Promise::AutoClear),
///     certificate: None,
/// };
/// let answer = |normal: f64| {
///     let samples = Samples::from_probabilities(vec![normal, 1.0 - normal], 2)?;
///     Ok::<_, uncertainty::SamplesError>(summarise(&samples).with_abnormal(&[false, true]))
/// };
/// assert_eq!(decide(&answer(0.99)?, Some(&policy)).action, Action::Accept);
/// // A cell that is called abnormal is referred, however certain the model is.
/// assert_eq!(decide(&answer(0.01)?, Some(&policy)).reasons, [Reason::Abnormal]);
/// # Ok::<(), uncertainty::SamplesError>(())
/// ```
pub fn decide(summary: &Summary, policy: Option<&Policy>) -> Decision {
    let Some(policy) = policy else {
        let mut decision = Decision {
            action: Action::Refer,
            policy: None,
            question: None,
            accepted_as: None,
            reasons: Vec::new(),
        };
        decision.refer(Reason::NoPolicy, summary);
        return decision;
    };
    let accepted = policy.accepts(summary);
    let called = summary.called_abnormal;
    let stands_for = policy.kind.and_then(|kind| kind.accepted_as(called));
    Decision {
        action: if accepted {
            Action::Accept
        } else {
            Action::Refer
        },
        policy: Some(policy.name.clone()),
        question: policy.kind.map(Promise::question),
        accepted_as: stands_for.filter(|_| accepted),
        reasons: if accepted {
            Vec::new()
        } else {
            policy.reasons(summary)
        },
    }
}
