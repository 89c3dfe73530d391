//! `classification.json`: figures of probabilities against the truth, and intervals of proportions.

use evaluation::{
    EvaluationError, Interval, Predictions,
    calibration_error::{BinEdges, bin_edges, calibration_error},
    classification::{ClassScores, ConfusionMatrix},
    intervals,
    proper_scores::{brier_score, negative_log_likelihood, negative_log_likelihood_unclipped},
    ranking::{auroc, average_precision, macro_mean, macro_mean_of_defined, per_class},
};
use serde_json::Value;

use crate::cases::{evaluation_error_name, predictions_of};
use testkit::numbers::{Tolerance, assert_number, id, index, indices, list, load, matrix, number};

fn each_case(check: impl Fn(&Value, &Predictions, &Value, Tolerance)) {
    let file = load("classification.json");
    for case in list(&file["cases"]) {
        let predictions = predictions_of(case).unwrap();
        check(
            case,
            &predictions,
            &case["expected"],
            Tolerance::of(&file, case),
        );
    }
}

#[test]
fn figures_of_the_confusion_matrix_agree_with_the_reference() {
    each_case(|case, predictions, wanted, tolerance| {
        let matrix = ConfusionMatrix::of(predictions);
        assert_eq!(
            predictions.predicted(),
            indices(&wanted["predicted"]),
            "{}: predicted",
            id(case)
        );
        assert_eq!(matrix.total(), index(&wanted["n"]), "{}: items", id(case));
        assert_eq!(
            serde_json::to_value(&matrix).unwrap(),
            wanted["confusion_matrix"],
            "{}: counts",
            id(case)
        );
        let figures = [
            ("accuracy", Some(matrix.accuracy())),
            ("balanced_accuracy", Some(matrix.balanced_accuracy())),
            ("macro_f1", Some(matrix.macro_f1())),
            ("macro_f1_present", Some(matrix.macro_f1_present())),
            ("weighted_f1", Some(matrix.weighted_f1())),
            ("mcc", Some(matrix.matthews_correlation())),
            ("cohen_kappa", matrix.cohen_kappa()),
        ];
        for (name, figure) in figures {
            assert_number(id(case), name, figure, &wanted[name], tolerance);
        }
    });
}

#[test]
fn figures_of_each_class_agree_with_the_reference() {
    each_case(|case, predictions, wanted, tolerance| {
        let wanted = &wanted["per_class"];
        for (class, scores) in ConfusionMatrix::of(predictions)
            .per_class()
            .into_iter()
            .enumerate()
        {
            let ClassScores {
                support,
                precision,
                recall,
                specificity,
                negative_predictive_value,
                f1,
            } = scores;
            let figures = [
                ("support", Some(support as f64)),
                ("precision", precision),
                ("recall", recall),
                ("specificity", specificity),
                ("npv", negative_predictive_value),
                ("f1", Some(f1)),
            ];
            for (name, figure) in figures {
                assert_number(id(case), name, figure, &wanted[name][class], tolerance);
            }
        }
    });
}

#[test]
fn likelihoods_and_brier_scores_agree_with_the_reference() {
    each_case(|case, predictions, wanted, tolerance| {
        let brier = brier_score(predictions);
        assert_number(
            id(case),
            "nll",
            negative_log_likelihood(predictions),
            &wanted["nll"],
            tolerance,
        );
        let unclipped = negative_log_likelihood_unclipped(predictions);
        assert_number(
            id(case),
            "nll_unclipped",
            unclipped,
            &wanted["nll_unclipped"],
            tolerance,
        );
        assert_number(id(case), "brier", brier, &wanted["brier"], tolerance);
        if predictions.classes() == 2 {
            assert_number(
                id(case),
                "brier_binary",
                0.5 * brier,
                &wanted["brier_binary"],
                tolerance,
            );
        }
    });
}

#[test]
fn calibration_errors_agree_with_the_reference() {
    let rules = [
        (BinEdges::LeftClosed, ""),
        (BinEdges::RightClosed, "_right_closed"),
        (BinEdges::LeftClosedMerged, "_left_closed_merged"),
    ];
    each_case(|case, predictions, wanted, tolerance| {
        for (edges, suffix) in rules {
            let error = calibration_error(&predictions.confidences(), edges);
            let (expected, maximum) = (format!("ece15{suffix}"), format!("mce15{suffix}"));
            assert_number(
                id(case),
                &expected,
                error.expected,
                &wanted[&expected],
                tolerance,
            );
            assert_number(
                id(case),
                &maximum,
                error.maximum,
                &wanted[&maximum],
                tolerance,
            );
        }
        if predictions.classes() == 2 {
            let error = calibration_error(&predictions.against_rest(1), BinEdges::LeftClosed);
            let wanted = &wanted["ece15_binary_positive_class"];
            assert_number(
                id(case),
                "ECE of the positive class",
                error.expected,
                wanted,
                tolerance,
            );
        }
    });
    let edges = list(&load("classification.json")["bin_edges_15"])
        .iter()
        .map(number)
        .collect::<Vec<_>>();
    assert_eq!(bin_edges(), edges);
}

#[test]
fn rankings_agree_with_the_reference() {
    each_case(|case, predictions, wanted, tolerance| {
        let areas = per_class(predictions, auroc);
        let precisions = per_class(predictions, average_precision);
        for (class, (area, precision)) in areas.iter().zip(&precisions).enumerate() {
            assert_number(
                id(case),
                "auroc",
                *area,
                &wanted["auroc_per_class_ovr"][class],
                tolerance,
            );
            let wanted = &wanted["average_precision_per_class"][class];
            assert_number(id(case), "average precision", *precision, wanted, tolerance);
        }
        let figures = [
            ("auroc_ovr_macro", macro_mean(&areas)),
            (
                "auroc_ovr_macro_defined_only",
                macro_mean_of_defined(&areas),
            ),
            ("average_precision_macro", macro_mean(&precisions)),
        ];
        for (name, figure) in figures {
            assert_number(id(case), name, figure, &wanted[name], tolerance);
        }
        if predictions.classes() == 2 {
            let positive = predictions.against_rest(1);
            assert_number(
                id(case),
                "auroc_binary",
                auroc(&positive),
                &wanted["auroc_binary"],
                tolerance,
            );
            let wanted = &wanted["average_precision_binary"];
            assert_number(
                id(case),
                "average_precision_binary",
                average_precision(&positive),
                wanted,
                tolerance,
            );
        }
    });
}

fn assert_intervals(case: &str, wanted: &Value, tolerance: Tolerance) {
    let (k, n) = (index(&wanted["k"]) as u64, index(&wanted["n"]) as u64);
    let confidence = number(&wanted["confidence"]);
    let both = [
        ("wilson", intervals::wilson(k, n, confidence)),
        (
            "clopper_pearson",
            intervals::clopper_pearson(k, n, confidence),
        ),
    ];
    for (name, interval) in both {
        let Interval { low, high } = interval.unwrap();
        assert_number(case, name, low, &wanted[name][0], tolerance);
        assert_number(case, name, high, &wanted[name][1], tolerance);
    }
}

#[test]
fn intervals_agree_with_the_reference() {
    let file = load("classification.json");
    for wanted in list(&file["intervals"]) {
        assert_intervals(&wanted.to_string(), wanted, Tolerance::of(&file, wanted));
    }
    each_case(|case, _, wanted, tolerance| {
        assert_intervals(id(case), &wanted["accuracy_interval_95"], tolerance)
    });
}

#[test]
fn every_error_case_is_the_error_it_should_be() {
    for case in list(&load("classification.json")["error_cases"]) {
        let error = first_error(case).expect_err(id(case));
        assert_eq!(
            evaluation_error_name(&error),
            case["error"],
            "{}: {error}",
            id(case)
        );
    }
}

fn first_error(case: &Value) -> Result<(), EvaluationError> {
    let inputs = &case["inputs"];
    if inputs["k"].is_null() {
        return predictions_of(case).map(drop);
    }
    let (k, n) = (index(&inputs["k"]) as u64, index(&inputs["n"]) as u64);
    assert_eq!(
        intervals::wilson(k, n, 0.95),
        intervals::clopper_pearson(k, n, 0.95)
    );
    intervals::wilson(k, n, 0.95).map(drop)
}

#[test]
fn rows_of_different_lengths_are_an_error() {
    let error =
        Predictions::from_rows(&matrix(&serde_json::json!([[0.5, 0.5], [1.0]])), vec![0, 0]);
    assert_eq!(evaluation_error_name(&error.unwrap_err()), "shape");
}
