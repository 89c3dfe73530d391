//! Decisions of policies.

use uncertainty::{
    AcceptedAs, Action, Decision, Measure, Policy, PolicyError, Promise, Reason, Samples, Summary,
    decide, risk_control::Certificate, summarise,
};

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
fn value_on_the_threshold_is_accepted() {
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
            question: None,
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
fn missing_policy_or_threshold_refers() {
    let summary = summary_of_one_pass();
    let none = decide(&summary, None);
    assert_eq!(
        none,
        Decision {
            action: Action::Refer,
            policy: None,
            question: None,
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
fn acceptance_depends_on_promise_and_call() {
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
fn abnormal_is_the_first_reason() {
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
fn later_referral_clears_accepted_as() {
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
fn half_abnormal_cell_is_never_cleared() {
    let summary = Samples::from_probabilities(vec![0.4, 0.3, 0.3], 3).unwrap();
    let summary = summarise(&summary).with_abnormal(&[false, true, true]);
    let lenient = Policy {
        kind: Some(Promise::AutoClear),
        ..policy(Measure::PredictiveEntropy, Some(2.0))
    };
    assert_eq!(decide(&summary, Some(&lenient)).reasons, [Reason::Abnormal]);
}

#[test]
fn default_policy_must_be_certified() {
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
        let expected = matches!(
            promise,
            Promise::AutoClear | Promise::ClearMissedAbnormal | Promise::ClearMissedHighGrade
        );
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
fn kind_and_certificate_are_optional() {
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
fn threshold_is_optional_unknown_key_is_refused() {
    let refer_all = policy(Measure::PaperVariance, None);
    let written = toml::to_string(&refer_all).unwrap();
    assert_eq!(toml::from_str::<Policy>(&written).unwrap(), refer_all);
    assert!(toml::from_str::<Policy>(&format!("{written}treshold = 0.2\n")).is_err());
}

#[test]
fn invalid_policies_give_distinct_errors() {
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
