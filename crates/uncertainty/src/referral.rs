//! Whether a person has to look: a policy, its threshold and its promise.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::measure::Measure;
use super::promise::{AcceptedAs, Promise};
use super::risk_control::Certificate;
use super::summary::Summary;

const CALLED_BY_CLASS_ALONE: &str = "counted on cells that were called normal by their most probable class alone; decisions call \
    a cell normal only if the abnormal classes together are below one half, too";

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
#[non_exhaustive]
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
    /// No policy decided: none was named, and none may decide unasked. So nothing is promised.
    NoPolicy,
    /// The cell is called abnormal. Every referred cell that is called abnormal carries this reason, whatever else there is.
    Abnormal,
}

/// What was decided, by which policy, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Accept or refer.
    pub action: Action,
    /// The policy that decided, if there was one.
    pub policy: Option<String>,
    /// What an accepted answer stands for; `None` when it is referred, or when the policy does not say.
    pub accepted_as: Option<AcceptedAs>,
    /// Why the answer is referred, `abnormal` first; empty when it is accepted.
    pub reasons: Vec<Reason>,
}

impl Decision {
    /// Refers the answer for a further reason that no policy knows of.
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

    /// Whether the policy may decide where none was asked for: it can accept only cells that are called normal, and its certificate
    /// says that the threshold passed the tests.
    pub fn may_be_default(&self) -> bool {
        let p_value = self.certificate.as_ref().and_then(|found| found.p_value);
        let passed = p_value.is_some_and(|p_value| p_value <= self.delta);
        let certified = self.threshold.is_some() && passed;
        certified && self.kind.is_some_and(Promise::clears_only_normal)
    }

    /// What a reader of the promise has to know besides it.
    ///
    /// Certificates made before a cell needed an abnormal probability below ½ to be called normal counted more cells as called
    /// normal than decisions do.
    pub fn caveat(&self) -> Option<&'static str> {
        let certificate = self.certificate.as_ref()?;
        let about_calls = self.kind.is_some_and(|kind| kind != Promise::AcceptError);
        let outdated = about_calls && self.threshold.is_some() && !certificate.abnormal_below_half;
        outdated.then_some(CALLED_BY_CLASS_ALONE)
    }

    /// Whether the policy accepts the answer. Kinds that speak of normal and abnormal need a summary
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
        // Without a call in two classes a promise about them covers nothing.
        let uncalled = called.is_none() && self.kind.is_some_and(|kind| !kind.may_accept(None));
        let uncertain = !self.is_sure_enough(summary) || uncalled;
        let uncertain = uncertain.then_some(Reason::Uncertain);
        abnormal.into_iter().chain(uncertain).collect()
    }
}

/// Accepts when the policy's measure is defined and at most its threshold, and the policy's kind of promise allows it; refers
/// everything else. Kinds that speak of normal and abnormal need a summary [with the abnormal classes](Summary::with_abnormal).
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
/// // However sure the model is, a cell that is called abnormal is referred.
/// assert_eq!(decide(&answer(0.01)?, Some(&policy)).reasons, [Reason::Abnormal]);
/// # Ok::<(), uncertainty::SamplesError>(())
/// ```
pub fn decide(summary: &Summary, policy: Option<&Policy>) -> Decision {
    let Some(policy) = policy else {
        let mut decision = Decision {
            action: Action::Refer,
            policy: None,
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
        accepted_as: stands_for.filter(|_| accepted),
        reasons: if accepted {
            Vec::new()
        } else {
            policy.reasons(summary)
        },
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
                accepted_as: None,
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
                accepted_as: None,
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
    fn every_referred_cell_that_is_called_abnormal_says_so_first() {
        let torn = Samples::from_probabilities(vec![0.45, 0.55], 2).unwrap();
        let torn = summarise(&torn).with_abnormal(&[false, true]);
        let strict = |kind| Policy {
            kind,
            ..policy(Measure::PredictiveEntropy, Some(0.1))
        };
        let kinds = Promise::ALL.map(Some).into_iter().chain([None]);
        for kind in kinds {
            let decision = decide(&torn, Some(&strict(kind)));
            assert_eq!(
                decision.reasons,
                [Reason::Abnormal, Reason::Uncertain],
                "{kind:?}"
            );
        }
        let unasked = decide(&torn, None);
        assert_eq!(unasked.reasons, [Reason::Abnormal, Reason::NoPolicy]);
    }

    #[test]
    fn an_answer_that_is_referred_afterwards_stands_for_nothing_and_says_whether_it_is_abnormal() {
        let sure = Samples::from_probabilities(vec![0.01, 0.99], 2).unwrap();
        let sure = summarise(&sure).with_abnormal(&[false, true]);
        let accepting = Policy {
            kind: Some(Promise::AcceptError2Classes),
            ..policy(Measure::PredictiveEntropy, Some(0.5))
        };
        let mut decision = decide(&sure, Some(&accepting));
        assert_eq!(decision.accepted_as, Some(AcceptedAs::Abnormal));
        decision.refer(Reason::OutOfDistribution, &sure);
        assert_eq!(
            (decision.action, decision.accepted_as),
            (Action::Refer, None)
        );
        assert_eq!(
            decision.reasons,
            [Reason::Abnormal, Reason::OutOfDistribution]
        );
    }

    #[test]
    fn a_cell_with_a_normal_label_and_half_its_probability_abnormal_is_never_cleared() {
        let summary = Samples::from_probabilities(vec![0.4, 0.3, 0.3], 3).unwrap();
        let summary = summarise(&summary).with_abnormal(&[false, true, true]);
        let lenient = Policy {
            kind: Some(Promise::AutoClear),
            ..policy(Measure::PredictiveEntropy, Some(2.0))
        };
        assert_eq!(decide(&summary, Some(&lenient)).reasons, [Reason::Abnormal]);
    }

    #[test]
    fn only_a_certified_policy_that_clears_nothing_but_normal_cells_may_decide_unasked() {
        let certificate = Certificate {
            images: 84,
            cells: 2_000,
            coverage: 0.6,
            trials: 500,
            errors: 3,
            p_value: Some(0.04),
            further_images: None,
            abnormal_below_half: true,
        };
        let certified = |kind| Policy {
            kind,
            certificate: Some(certificate.clone()),
            ..policy(Measure::AbnormalEntropy, Some(0.25))
        };
        for promise in Promise::ALL {
            let expected = promise == Promise::AutoClear;
            assert_eq!(
                certified(Some(promise)).may_be_default(),
                expected,
                "{promise}"
            );
        }
        assert!(!certified(None).may_be_default());
        let clearing = certified(Some(Promise::AutoClear));
        let refer_all = Policy {
            threshold: None,
            ..clearing.clone()
        };
        let by_hand = Policy {
            certificate: None,
            ..clearing.clone()
        };
        let with_p_value = |p_value| Policy {
            certificate: Some(Certificate {
                p_value,
                ..certificate.clone()
            }),
            ..clearing.clone()
        };
        for untested in [None, Some(0.9)] {
            assert!(!with_p_value(untested).may_be_default(), "{untested:?}");
        }
        assert!(!refer_all.may_be_default() && !by_hand.may_be_default());
        assert_eq!(clearing.caveat(), None);
        let before = toml::to_string(&clearing)
            .unwrap()
            .replace("abnormal_below_half = true\n", "");
        assert!(
            toml::from_str::<Policy>(&before)
                .unwrap()
                .caveat()
                .is_some()
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
            abnormal_below_half: false,
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
