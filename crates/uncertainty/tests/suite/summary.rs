//! The call and the answer in two classes.

use uncertainty::{Samples, Summary, summarise};

fn summary() -> Summary {
    summarise(&Samples::from_probabilities(vec![0.4, 0.3, 0.3], 3).unwrap())
}

#[test]
fn a_cell_is_called_normal_only_if_the_abnormal_classes_together_are_below_one_half() {
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
fn an_abnormal_class_that_leads_makes_the_call_even_where_normal_classes_together_are_likelier() {
    let summary = summarise(&Samples::from_probabilities(vec![0.3, 0.3, 0.4], 3).unwrap());
    let answer = summary.with_abnormal(&[false, false, true]);
    assert_eq!(answer.called_abnormal, Some(true));
    assert!(answer.abnormal.unwrap().probability < 0.5);
}

#[test]
fn the_entropy_in_two_classes_is_that_of_the_two_sums() {
    let abnormal = summary()
        .with_abnormal(&[false, true, true])
        .abnormal
        .unwrap();
    let of_two = summarise(&Samples::from_probabilities(vec![0.4, 0.6], 2).unwrap());
    assert!((abnormal.entropy - of_two.predictive_entropy).abs() < 1e-12);
}

#[test]
fn without_a_flag_per_class_or_with_one_kind_alone_there_is_no_answer_in_two_classes() {
    for flags in [&[][..], &[true, false], &[true; 3], &[false; 3]] {
        assert_eq!(summary().with_abnormal(flags).abnormal, None, "{flags:?}");
    }
}

#[test]
fn where_every_class_is_abnormal_so_is_the_call_and_where_none_is_there_is_no_call() {
    let called = |flags: &[bool]| summary().with_abnormal(flags).called_abnormal;
    assert_eq!(called(&[true; 3]), Some(true));
    assert_eq!(called(&[false; 3]), None);
}
