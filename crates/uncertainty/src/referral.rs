//! Whether a person has to look: a policy, its threshold and its promise.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::measure::Measure;
use super::promise::Promise;
use super::risk_control::Certificate;
use super::summary::Summary;

/// A rule that accepts an answer when one measure is at most a threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The name by which requests ask for it and answers cite it.
    pub name: String,
    /// The measure it looks at.
    pub measure: Measure,
    /// The largest value that is accepted, in the measure's unit; absent when nothing can be promised: refer all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// The share of mistakes promised not to be exceeded, between 0 and 1.
    pub alpha: f64,
    /// The probability, over calibration sets, that the promise does not hold, between 0 and 1.
    pub delta: f64,
    /// The promise in words.
    pub promise: String,
    /// The kind of promise, which says what may be accepted at all; absent: any answer below the threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Promise>,
    /// What the promise rests on; absent in a bundle whose author chose the threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
}

/// Why a policy cannot be used.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum PolicyError {
    /// The name is empty.
    #[error("a referral policy has no name; give it one")]
    NoName,
    /// The threshold is NaN or infinite.
    #[error("the threshold of policy `{policy}` is not finite; leave it out to refer every cell")]
    Threshold {
        /// Name of the policy.
        policy: String,
    },
    /// `alpha` or `delta` is not strictly between 0 and 1.
    #[error("`{field}` of policy `{policy}` is {value}; it must be greater than 0 and less than 1")]
    NotAProbability {
        /// Name of the policy.
        policy: String,
        /// `alpha` or `delta`.
        field: &'static str,
        /// What it is.
        value: f64,
    },
    /// A share in the certificate is not between 0 and 1.
    #[error("the certificate of policy `{policy}` has `{field}` {value}; it must be from 0 to 1")]
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
    /// The policy's promise covers the answer.
    Accept,
    /// A person has to look.
    Refer,
}

/// Why an answer is referred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The measure is above the policy's threshold, is undefined, or the policy accepts nothing.
    Uncertain,
    /// The image is unlike those that the model was trained on.
    OutOfDistribution,
    /// There is no policy, so nothing is promised.
    NoPolicy,
    /// The policy accepts only cells that are called normal, and this one is called abnormal.
    Abnormal,
}

/// What was decided, by which policy, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Accept or refer.
    pub action: Action,
    /// The policy that decided, if there was one.
    pub policy: Option<String>,
    /// Why the answer is referred; empty when it is accepted.
    pub reasons: Vec<Reason>,
}

impl Policy {
    /// Checks what a file may get wrong.
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

    /// Why the answer is referred; `None` when it is accepted.
    fn objection(&self, summary: &Summary) -> Option<Reason> {
        let value = self.measure.of(summary).zip(self.threshold);
        if !value.is_some_and(|(value, threshold)| value <= threshold) {
            return Some(Reason::Uncertain);
        }
        let called = summary.abnormal.map(|abnormal| abnormal.called);
        if self.kind.is_none_or(|promise| promise.may_accept(called)) {
            return None;
        }
        match called {
            Some(true) => Some(Reason::Abnormal),
            _ => Some(Reason::Uncertain),
        }
    }
}

/// Accepts when the policy's measure is defined and at most its threshold, and the policy's kind of promise allows it; refers
/// everything else. Kinds that speak of normal and abnormal need a summary [with the abnormal classes](Summary::with_abnormal).
pub fn decide(summary: &Summary, policy: Option<&Policy>) -> Decision {
    let objection = match policy {
        Some(policy) => policy.objection(summary),
        None => Some(Reason::NoPolicy),
    };
    Decision {
        action: objection.map_or(Action::Accept, |_| Action::Refer),
        policy: policy.map(|policy| policy.name.clone()),
        reasons: objection.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Samples, summarise};
    use super::*;

    fn policy(measure: Measure, threshold: Option<f64>) -> Policy {
        let (name, promise) = ("five".to_owned(), "at most 5% wrong".to_owned());
        Policy {
            name,
            measure,
            threshold,
            alpha: 0.05,
            delta: 0.1,
            promise,
            kind: None,
            certificate: None,
        }
    }

    fn summary_of_one_pass() -> Summary {
        summarise(&Samples::from_probabilities(vec![0.5, 0.5], 2).unwrap())
    }

    #[test]
    fn a_value_on_the_threshold_is_accepted_and_one_above_is_referred() {
        let summary = summary_of_one_pass();
        let entropy = summary.predictive_entropy;
        let on = decide(
            &summary,
            Some(&policy(Measure::PredictiveEntropy, Some(entropy))),
        );
        assert_eq!(
            on,
            Decision {
                action: Action::Accept,
                policy: Some("five".to_owned()),
                reasons: vec![]
            }
        );
        let above = decide(
            &summary,
            Some(&policy(
                Measure::PredictiveEntropy,
                Some(entropy.next_down()),
            )),
        );
        assert_eq!(
            (above.action, above.reasons),
            (Action::Refer, vec![Reason::Uncertain])
        );
    }

    #[test]
    fn nothing_is_accepted_without_a_policy_a_threshold_or_a_defined_measure() {
        let summary = summary_of_one_pass();
        let none = decide(&summary, None);
        assert_eq!(
            none,
            Decision {
                action: Action::Refer,
                policy: None,
                reasons: vec![Reason::NoPolicy]
            }
        );
        for policy in [
            policy(Measure::PredictiveEntropy, None),
            policy(Measure::Variance, Some(1.0)),
        ] {
            let decision = decide(&summary, Some(&policy));
            assert_eq!(
                (decision.action, decision.reasons),
                (Action::Refer, vec![Reason::Uncertain])
            );
        }
    }

    #[test]
    fn what_may_be_accepted_depends_on_the_promise_and_on_how_the_cell_is_called() {
        let surely = |rows| summarise(&Samples::from_probabilities(rows, 2).unwrap());
        let normal = || surely(vec![0.99, 0.01]);
        let answers = [
            normal().with_abnormal(&[false, true]),
            surely(vec![0.01, 0.99]).with_abnormal(&[false, true]),
            normal(),
        ];
        let reasons = |kind| {
            let policy = Policy {
                kind: Some(kind),
                ..policy(Measure::PredictiveEntropy, Some(0.2))
            };
            answers
                .each_ref()
                .map(|answer| decide(answer, Some(&policy)).reasons)
        };
        let accepted = Vec::new;
        let unsaid = vec![Reason::Uncertain];
        assert_eq!(
            reasons(Promise::AcceptError),
            [accepted(), accepted(), accepted()]
        );
        for kind in [Promise::AcceptError2Classes, Promise::MissedAbnormal] {
            assert_eq!(
                reasons(kind),
                [accepted(), accepted(), unsaid.clone()],
                "{kind}"
            );
        }
        assert_eq!(
            reasons(Promise::AutoClear),
            [accepted(), vec![Reason::Abnormal], unsaid]
        );
    }

    #[test]
    fn a_kind_and_a_certificate_survive_a_file_and_files_without_them_are_read() {
        let certificate = Certificate {
            images: 84,
            cells: 2_000,
            coverage: 0.0,
            trials: 500,
            errors: 30,
            p_value: Some(0.4),
            further_images: Some(12),
        };
        let promised = Policy {
            kind: Some(Promise::AcceptError2Classes),
            certificate: Some(certificate),
            ..policy(Measure::AbnormalEntropy, Some(0.25))
        };
        let written = toml::to_string(&promised).unwrap();
        assert_eq!(toml::from_str::<Policy>(&written).unwrap(), promised);
        let beyond = written.replace("coverage = 0.0", "coverage = 1.5");
        assert!(matches!(
            toml::from_str::<Policy>(&beyond).unwrap().check(),
            Err(PolicyError::Certificate {
                field: "coverage",
                ..
            })
        ));
        let old = policy(Measure::PredictiveEntropy, Some(0.25));
        let written = toml::to_string(&old).unwrap();
        assert!(!written.contains("kind") && !written.contains("certificate"));
        assert_eq!(toml::from_str::<Policy>(&written).unwrap(), old);
    }

    #[test]
    fn a_policy_without_a_threshold_survives_a_file_and_an_unknown_key_does_not() {
        let refer_all = policy(Measure::PaperVariance, None);
        let written = toml::to_string(&refer_all).unwrap();
        assert_eq!(toml::from_str::<Policy>(&written).unwrap(), refer_all);
        assert!(toml::from_str::<Policy>(&format!("{written}treshold = 0.2\n")).is_err());
    }

    #[test]
    fn what_a_file_may_get_wrong_is_told_apart() {
        let good = policy(Measure::PredictiveEntropy, Some(0.2));
        assert_eq!(good.check(), Ok(()));
        let unnamed = Policy {
            name: String::new(),
            ..good.clone()
        };
        assert_eq!(unnamed.check(), Err(PolicyError::NoName));
        let boundless = Policy {
            threshold: Some(f64::INFINITY),
            ..good.clone()
        };
        assert!(matches!(
            boundless.check(),
            Err(PolicyError::Threshold { .. })
        ));
        let certain = Policy {
            delta: 0.0,
            ..good.clone()
        };
        assert!(matches!(
            certain.check(),
            Err(PolicyError::NotAProbability { field: "delta", .. })
        ));
        let nan = Policy {
            alpha: f64::NAN,
            ..good
        };
        assert!(matches!(
            nan.check(),
            Err(PolicyError::NotAProbability { field: "alpha", .. })
        ));
    }
}
