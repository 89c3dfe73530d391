//! The call and the answer in two classes.

use uncertainty::{Samples, Summary, summarise};

fn summary() -> Summary {
    summarise(&Samples::from_probabilities(vec![0.4, 0.3, 0.3], 3).unwrap())
}

#[test]
fn normal_call_needs_abnormal_below_half() {
    let called = |rows: &[f64]| {
        let summary = summarise(&Samples::from_probabilities(rows.to_vec(), 3).unwrap());
        let answer = summary.with_abnormal(&[false, true, true]);
        answer.called_abnormal.unwrap()
    };
    assert!(called(&[0.4, 0.3, 0.3]), "NILM leads, abnormal together .6");
    assert!(called(&[0.5, 0.25, 0.25]), "exactly one half");
    assert!(!called(&[0.51, 0.25, 0.24]));
    assert!(called(&[0.3, 0.4, 0.3]), "an abnormal class leads");
}

#[test]
fn leading_abnormal_class_makes_the_call() {
    let summary = summarise(&Samples::from_probabilities(vec![0.3, 0.3, 0.4], 3).unwrap());
    let answer = summary.with_abnormal(&[false, false, true]);
    assert_eq!(answer.called_abnormal, Some(true));
    assert!(answer.abnormal.unwrap().probability < 0.5);
}

#[test]
fn abnormal_entropy_uses_the_two_sums() {
    let abnormal = summary()
        .with_abnormal(&[false, true, true])
        .abnormal
        .unwrap();
    let of_two = summarise(&Samples::from_probabilities(vec![0.4, 0.6], 2).unwrap());
    assert!((abnormal.entropy - of_two.predictive_entropy).abs() < 1e-12);
}

#[test]
fn two_class_answer_needs_both_kinds() {
    for flags in [&[][..], &[true, false], &[true; 3], &[false; 3]] {
        assert_eq!(summary().with_abnormal(flags).abnormal, None, "{flags:?}");
    }
}

#[test]
fn call_with_all_or_no_abnormal_classes() {
    let called = |flags: &[bool]| summary().with_abnormal(flags).called_abnormal;
    assert_eq!(called(&[true; 3]), Some(true));
    assert_eq!(called(&[false; 3]), None);
}
