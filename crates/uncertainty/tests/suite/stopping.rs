//! Early stopping of test-time augmentation.

use uncertainty::{
    Measure, Policy, Promise, Samples, StoppingRule,
    stopping::{Boundary, StoppingError, settled},
    summarise,
};

use crate::random::Random;

const ABNORMAL: [bool; 3] = [false, true, true];

fn refer_all() -> Boundary<'static> {
    Boundary::of(None, &ABNORMAL)
}

/// 1 to 11 views of three classes.
fn any_samples(random: &mut Random) -> Samples {
    let views = 1 + random.below(11);
    let weights: Vec<f64> = (0..views * 3).map(|_| random.between(0.01, 1.0)).collect();
    let share = |row: &[f64]| {
        let sum: f64 = row.iter().sum();
        row.iter().map(|weight| weight / sum).collect()
    };
    let rows: Vec<Vec<f64>> = weights.chunks(3).map(share).collect();
    Samples::from_rows(&rows).unwrap()
}

/// A policy that accepts any answer below its threshold that `kind` allows.
pub fn policy(measure: Measure, threshold: f64, kind: Option<Promise>) -> Policy {
    Policy {
        name: "any".to_owned(),
        measure,
        threshold: Some(threshold),
        alpha: 0.05,
        delta: 0.05,
        promise: "any".to_owned(),
        kind,
        certificate: None,
    }
}

fn rule(lambda: f64) -> StoppingRule {
    StoppingRule {
        start: 2,
        step: 1,
        lambda,
    }
}

#[test]
fn infinite_lambda_never_stops_early() {
    let mut random = Random::seeded(1);
    for _ in 0..256 {
        let samples = any_samples(&mut random);
        let policy = policy(Measure::PredictiveEntropy, random.between(0.0, 1.1), None);
        let views = samples.passes();
        let more = views + 1 + random.below(8);
        for boundary in [refer_all(), Boundary::of(Some(&policy), &ABNORMAL)] {
            assert!(!settled(&samples, more, &boundary, &rule(f64::INFINITY)));
            assert!(settled(&samples, views, &boundary, &rule(f64::INFINITY)));
        }
    }
}

#[test]
fn smaller_lambda_settles_earlier() {
    let mut random = Random::seeded(2);
    for _ in 0..256 {
        let (samples, threshold) = (any_samples(&mut random), random.between(0.0, 1.1));
        let (lambda, less) = (random.between(0.0, 9.0), random.unit());
        for measure in [Measure::PredictiveEntropy, Measure::AbnormalEntropy] {
            let policy = policy(measure, threshold, None);
            let boundary = Boundary::of(Some(&policy), &ABNORMAL);
            let settled = |lambda| settled(&samples, 20, &boundary, &rule(lambda));
            assert!(
                settled(lambda * less) || !settled(lambda),
                "{samples:?} {lambda}"
            );
        }
    }
}

#[test]
fn other_measures_take_all_views() {
    let mut random = Random::seeded(3);
    for _ in 0..256 {
        let policy = policy(Measure::VariationRatio, random.unit(), None);
        let boundary = Boundary::of(Some(&policy), &ABNORMAL);
        assert!(!settled(
            &any_samples(&mut random),
            20,
            &boundary,
            &rule(0.0)
        ));
    }
}

#[test]
fn looks_ascend_to_the_last_view() {
    for (start, step) in (2..60).flat_map(|start| (1..9).map(move |step| (start, step))) {
        let rule = StoppingRule {
            start,
            step,
            ..rule(1.0)
        };
        for total in 1..60 {
            let looks: Vec<usize> = rule.looks(total).collect();
            assert!(looks.is_sorted_by(|before, after| before < after));
            assert_eq!(looks.last(), Some(&total));
        }
    }
}

#[test]
fn nothing_settles_before_the_start() {
    let alike = Samples::from_rows(&vec![vec![0.9, 0.05, 0.05]; 5]).unwrap();
    let late = StoppingRule {
        start: 6,
        ..rule(1.0)
    };
    assert!(!settled(&alike, 20, &refer_all(), &late));
    assert!(settled(&alike, 20, &refer_all(), &rule(1.0)));
}

#[test]
fn accepted_cell_needs_a_settled_class() {
    let torn = [[0.1, 0.5, 0.4], [0.1, 0.4, 0.5], [0.1, 0.5, 0.4]];
    let torn = Samples::from_rows(&torn.map(Vec::from)).unwrap();
    let at = |threshold| {
        let policy = policy(Measure::PredictiveEntropy, threshold, None);
        settled(
            &torn,
            50,
            &Boundary::of(Some(&policy), &ABNORMAL),
            &rule(2.0),
        )
    };
    assert!(
        at(0.1),
        "referred for certain, whichever abnormal class it is"
    );
    assert!(!at(1.09), "accepted for certain, but as which class?");
}

/// Views with little spread around `mean`.
fn views_about(mean: [f64; 3]) -> Samples {
    let shift = [0.02, -0.02, 0.02, -0.02];
    let row = |by: &f64| vec![mean[0] + by, mean[1] - by / 2.0, mean[2] - by / 2.0];
    Samples::from_rows(&shift.iter().map(row).collect::<Vec<_>>()).unwrap()
}

#[test]
fn certain_abnormal_call_stops_early() {
    // The entropy is close to the threshold. Alone, it would require more views.
    let abnormal = views_about([0.1, 0.88, 0.02]);
    let summary = summarise(&abnormal).with_abnormal(&ABNORMAL);
    let threshold = summary.abnormal.unwrap().entropy + 1e-4;
    let close = policy(Measure::AbnormalEntropy, threshold, None);
    let close = Boundary::of(Some(&close), &ABNORMAL);
    let clearing = policy(
        Measure::AbnormalEntropy,
        threshold,
        Some(Promise::AutoClear),
    );
    let clearing = Boundary::of(Some(&clearing), &ABNORMAL);
    assert!(!settled(&abnormal, 50, &close, &rule(2.0)));
    assert!(settled(&abnormal, 50, &clearing, &rule(2.0)));
}

#[test]
fn cleared_cell_needs_a_settled_call() {
    // NILM leads clearly, but the abnormal classes together are at ½.
    let clearing = |threshold| {
        policy(
            Measure::PredictiveEntropy,
            threshold,
            Some(Promise::AutoClear),
        )
    };
    let loose = clearing(1.09);
    let loose = Boundary::of(Some(&loose), &ABNORMAL);
    let at = |normal: f64| {
        let rest = (1.0 - normal) / 2.0;
        settled(&views_about([normal, rest, rest]), 50, &loose, &rule(2.0))
    };
    assert!(
        !at(0.505),
        "the abnormal classes together are just below one half"
    );
    assert!(!at(0.495), "just above");
    assert!(at(0.75));
    // The referral is settled, but the call is not.
    let strict = clearing(0.5);
    let strict = Boundary::of(Some(&strict), &ABNORMAL);
    let close = views_about([0.505, 0.2475, 0.2475]);
    assert!(!settled(&close, 50, &strict, &rule(2.0)));
    assert!(!settled(&close, 50, &refer_all(), &rule(2.0)));
    let normal = views_about([0.75, 0.125, 0.125]);
    assert!(settled(&normal, 50, &strict, &rule(2.0)));
    assert!(settled(&normal, 50, &refer_all(), &rule(2.0)));
}

#[test]
fn invalid_rules_give_distinct_errors() {
    assert_eq!(rule(2.3).check(), Ok(()));
    let start = StoppingRule {
        start: 1,
        ..rule(2.3)
    };
    assert_eq!(start.check(), Err(StoppingError::Start(1)));
    let step = StoppingRule {
        step: 0,
        ..rule(2.3)
    };
    assert_eq!(step.check(), Err(StoppingError::Step));
    assert_eq!(rule(-1.0).check(), Err(StoppingError::Lambda(-1.0)));
    assert!(rule(f64::NAN).check().is_err());
}
