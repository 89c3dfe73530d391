//! `uncertainty_summary.json`: all measures.

use std::f64::consts::LN_2;

use serde_json::Value;
use uncertainty::{Samples, SamplesError, Summary, summarise};

use testkit::numbers::{
    Tolerance, assert_number, assert_numbers, error_name, id, index, list, load, matrix,
};

fn samples_of(case: &Value) -> Result<Samples, SamplesError> {
    let inputs = &case["inputs"];
    if inputs["logits"].is_null() {
        return Samples::from_rows(&matrix(&inputs["samples"]));
    }
    let logits = matrix(&inputs["logits"]);
    Samples::from_logits(&logits.concat(), logits[0].len())
}

#[test]
fn summaries_agree_with_reference() {
    let file = load("uncertainty_summary.json");
    for case in list(&file["cases"]) {
        let summary = summarise(&samples_of(case).unwrap());
        let tolerance = Tolerance::of(&file, case);
        assert_prediction(case, &summary, tolerance);
        assert_entropies(case, &summary, tolerance);
        assert_votes(case, &summary, tolerance);
        assert_variances(case, &summary, tolerance);
        assert_paper_scores(case, &summary, tolerance);
    }
}

fn assert_prediction(case: &Value, summary: &Summary, tolerance: Tolerance) {
    let wanted = &case["expected"];
    assert_numbers(
        id(case),
        "mean",
        &summary.mean,
        &wanted["mean_probs"],
        tolerance,
    );
    assert_eq!(
        summary.predicted,
        index(&wanted["predicted_class"]),
        "{}: predicted",
        id(case)
    );
    assert_number(
        id(case),
        "confidence",
        summary.confidence,
        &wanted["confidence"],
        tolerance,
    );
    assert_number(
        id(case),
        "doubt",
        1.0 - summary.confidence,
        &wanted["one_minus_confidence"],
        tolerance,
    );
}

fn assert_entropies(case: &Value, summary: &Summary, tolerance: Tolerance) {
    let nats = [
        ("predictive_entropy", summary.predictive_entropy),
        ("expected_entropy", summary.expected_entropy),
        ("mutual_information", summary.mutual_information),
    ];
    for (name, value) in nats {
        assert_number(
            id(case),
            name,
            value,
            &case["expected"][format!("{name}_nats")],
            tolerance,
        );
        assert_number(
            id(case),
            name,
            value / LN_2,
            &case["expected"][format!("{name}_bits")],
            tolerance,
        );
    }
    let normalised = summary.predictive_entropy / (summary.mean.len() as f64).ln();
    let wanted = &case["expected"]["predictive_entropy_normalised"];
    assert_number(
        id(case),
        "normalised entropy",
        normalised,
        wanted,
        tolerance,
    );
}

fn assert_votes(case: &Value, summary: &Summary, tolerance: Tolerance) {
    let wanted = &case["expected"]["variation_ratio"];
    assert_number(
        id(case),
        "variation_ratio",
        summary.variation_ratio,
        wanted,
        tolerance,
    );
}

fn assert_variances(case: &Value, summary: &Summary, tolerance: Tolerance) {
    let wanted = &case["expected"]["var_ddof1"];
    let of_predicted = &wanted[summary.predicted];
    assert_number(
        id(case),
        "variance",
        summary.variance,
        of_predicted,
        tolerance,
    );
    let Some(std) = &summary.std else {
        let undefined = list(wanted).iter().all(Value::is_null);
        assert!(undefined, "{}: variances are undefined", id(case));
        return;
    };
    let squares: Vec<f64> = std.iter().map(|std| std * std).collect();
    assert_numbers(id(case), "squared std", &squares, wanted, tolerance);
}

fn assert_paper_scores(case: &Value, summary: &Summary, tolerance: Tolerance) {
    let (paper, wanted) = (summary.paper, &case["expected"]);
    assert_number(
        id(case),
        "paper variance",
        paper.variance,
        &wanted["paper_variance_x1000_ddof1"],
        tolerance,
    );
    assert_number(
        id(case),
        "paper entropy",
        paper.entropy,
        &wanted["paper_entropy_bits"],
        tolerance,
    );
    assert_number(
        id(case),
        "sample mean",
        summary.confidence,
        &wanted["paper_sample_mean"],
        tolerance,
    );
    let wanted = &wanted["paper_sample_mean_uncertainty"];
    assert_number(
        id(case),
        "paper sample mean",
        paper.sample_mean,
        wanted,
        tolerance,
    );
}

#[test]
fn softmax_agrees_with_reference() {
    let file = load("uncertainty_summary.json");
    for case in list(&file["cases"])
        .iter()
        .filter(|case| case["inputs"]["samples"].is_null())
    {
        let samples = samples_of(case).unwrap();
        for (row, wanted) in samples.rows().zip(list(&case["expected"]["samples"])) {
            assert_numbers(id(case), "softmax", row, wanted, Tolerance::of(&file, case));
        }
    }
}

#[test]
fn summaries_of_32_bit_logits_agree() {
    let file = load("uncertainty_summary.json");
    let tolerance = Tolerance {
        absolute: 1e-6,
        relative: 1e-6,
    };
    for case in list(&file["cases"])
        .iter()
        .filter(|case| id(case).starts_with("logits_T"))
    {
        let logits = matrix(&case["inputs"]["logits"]);
        let small: Vec<f32> = logits
            .concat()
            .into_iter()
            .map(|logit| logit as f32)
            .collect();
        let summary = summarise(&Samples::from_logits(&small, logits[0].len()).unwrap());
        assert_prediction(case, &summary, tolerance);
        assert_entropies(case, &summary, tolerance);
    }
}

#[test]
fn error_cases_give_expected_errors() {
    for case in list(&load("uncertainty_summary.json")["error_cases"]) {
        let error = samples_of(case).expect_err(id(case));
        assert_eq!(error_name(&error), case["error"], "{}: {error}", id(case));
    }
}
