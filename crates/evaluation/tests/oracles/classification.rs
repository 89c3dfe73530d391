//! `classification.json`: figures of probabilities and true classes, and intervals of proportions.

use evaluation::{
    EvaluationError, Interval, Predictions,
    calibration_error::calibration_error,
    classification::{ClassScores, ConfusionMatrix},
    intervals::clopper_pearson,
    proper_scores::{brier_score, negative_log_likelihood},
    ranking::{auroc, macro_mean},
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
fn confusion_figures_match_the_reference() {
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
            ("accuracy", matrix.accuracy()),
            ("balanced_accuracy", matrix.balanced_accuracy()),
            ("macro_f1", matrix.macro_f1()),
        ];
        for (name, figure) in figures {
            assert_number(id(case), name, figure, &wanted[name], tolerance);
        }
    });
}

#[test]
fn class_figures_match_the_reference() {
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
fn proper_scores_match_the_reference() {
    each_case(|case, predictions, wanted, tolerance| {
        let brier = brier_score(predictions);
        assert_number(
            id(case),
            "nll",
            negative_log_likelihood(predictions),
            &wanted["nll"],
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
fn calibration_errors_match_the_reference() {
    each_case(|case, predictions, wanted, tolerance| {
        let error = calibration_error(&predictions.confidences());
        assert_number(id(case), "ECE", error, &wanted["ece15"], tolerance);
        if predictions.classes() == 2 {
            let error = calibration_error(&predictions.against_rest(1));
            let wanted = &wanted["ece15_binary_positive_class"];
            assert_number(id(case), "ECE of one class", error, wanted, tolerance);
        }
    });
}

#[test]
fn rankings_match_the_reference() {
    each_case(|case, predictions, wanted, tolerance| {
        let classes = 0..predictions.classes();
        let areas: Vec<Option<f64>> = classes
            .map(|class| auroc(&predictions.against_rest(class)))
            .collect();
        let wanted_areas = list(&wanted["auroc_per_class_ovr"]);
        assert_eq!(areas.len(), wanted_areas.len(), "{}", id(case));
        for (area, wanted) in areas.iter().zip(wanted_areas) {
            assert_number(id(case), "auroc", *area, wanted, tolerance);
        }
        let mean = macro_mean(&areas);
        assert_number(
            id(case),
            "mean",
            mean,
            &wanted["auroc_ovr_macro"],
            tolerance,
        );
        if predictions.classes() == 2 {
            let area = auroc(&predictions.against_rest(1));
            assert_number(
                id(case),
                "auroc_binary",
                area,
                &wanted["auroc_binary"],
                tolerance,
            );
        }
    });
}

fn assert_intervals(case: &str, wanted: &Value, tolerance: Tolerance) {
    let (k, n) = (index(&wanted["k"]) as u64, index(&wanted["n"]) as u64);
    let confidence = number(&wanted["confidence"]);
    let Interval { low, high } = clopper_pearson(k, n, confidence).unwrap();
    let wanted = &wanted["clopper_pearson"];
    assert_number(case, "low", low, &wanted[0], tolerance);
    assert_number(case, "high", high, &wanted[1], tolerance);
}

#[test]
fn intervals_match_the_reference() {
    let file = load("classification.json");
    for wanted in list(&file["intervals"]) {
        assert_intervals(&wanted.to_string(), wanted, Tolerance::of(&file, wanted));
    }
    each_case(|case, _, wanted, tolerance| {
        assert_intervals(id(case), &wanted["accuracy_interval_95"], tolerance)
    });
}

#[test]
fn error_cases_give_their_errors() {
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
    clopper_pearson(k, n, 0.95).map(drop)
}

#[test]
fn rows_of_different_lengths_are_refused() {
    let error =
        Predictions::from_rows(&matrix(&serde_json::json!([[0.5, 0.5], [1.0]])), vec![0, 0]);
    assert_eq!(evaluation_error_name(&error.unwrap_err()), "shape");
}
