//! `calibration.json`: temperature scaling.

use serde_json::Value;
use uncertainty::{
    Samples,
    calibration::{TemperatureError, TemperatureFit, apply_temperature, fit_temperature},
};

use testkit::numbers::{
    Tolerance, assert_number, assert_numbers, id, indices, list, load, matrix, number,
    samples_error_name,
};

fn fit(case: &Value) -> Result<TemperatureFit, TemperatureError> {
    let logits = matrix(&case["inputs"]["logits"]);
    let classes = logits.first().map_or(2, Vec::len);
    fit_temperature(
        &logits.concat(),
        classes,
        &indices(&case["inputs"]["labels"]),
    )
}

#[test]
fn fitted_temperatures_agree_with_the_reference() {
    let file = load("calibration.json");
    let of_temperature = Tolerance {
        absolute: 0.0,
        relative: number(&file["tolerance"]["temperature_rel"]),
    };
    let of_likelihood = Tolerance {
        absolute: number(&file["tolerance"]["nll_abs"]),
        relative: 0.0,
    };
    for case in list(&file["temperature"]) {
        let (fit, wanted) = (fit(case).unwrap(), &case["expected"]);
        assert_eq!(
            serde_json::to_value(fit.status).unwrap(),
            wanted["status"],
            "{}: status",
            id(case)
        );
        assert_number(
            id(case),
            "temperature",
            fit.temperature,
            &wanted["temperature"],
            of_temperature,
        );
        assert_number(
            id(case),
            "nll_before",
            fit.nll_before,
            &wanted["nll_before"],
            of_likelihood,
        );
        assert_number(
            id(case),
            "nll_after",
            fit.nll_after,
            &wanted["nll_after"],
            of_likelihood,
        );
    }
}

#[test]
fn scaled_logits_give_the_reference_probabilities() {
    let file = load("calibration.json");
    let tolerance = Tolerance {
        absolute: 1e-12,
        relative: 1e-10,
    };
    for case in list(&file["temperature"]) {
        let logits = matrix(&case["inputs"]["logits"]);
        let scaled =
            apply_temperature(&logits.concat(), number(&case["expected"]["temperature"])).unwrap();
        let samples = Samples::from_logits(&scaled, logits[0].len()).unwrap();
        for (row, wanted) in samples
            .rows()
            .zip(list(&case["expected"]["probs_after_first5"]))
        {
            assert_numbers(id(case), "probabilities", row, wanted, tolerance);
        }
    }
}

#[test]
fn every_error_case_is_the_error_it_should_be() {
    for case in list(&load("calibration.json")["temperature_errors"]) {
        let name = match fit(case).expect_err(id(case)) {
            TemperatureError::Logits(error) => samples_error_name(&error),
            TemperatureError::LabelOutOfRange { .. } => "label_out_of_range",
            TemperatureError::LabelCount { .. } => "shape",
            TemperatureError::Domain(_) => "domain",
            other => panic!("the reference files have no name for: {other}"),
        };
        assert_eq!(name, case["error"], "{}", id(case));
    }
}

#[test]
fn a_missing_label_is_an_error() {
    let error = fit_temperature(&[0.0, 1.0, 1.0, 0.0], 2, &[1]);
    assert_eq!(
        error,
        Err(TemperatureError::LabelCount { labels: 1, rows: 2 })
    );
}

#[test]
fn finite_logits_of_any_size_have_a_finite_likelihood() {
    let fit = fit_temperature(&[-1e308, 1e308, 1e308, -1e308], 2, &[0, 0]).unwrap();
    assert!(
        fit.nll_before.is_finite() && fit.nll_after.is_finite(),
        "{fit:?}"
    );
}

#[test]
fn a_temperature_that_nothing_can_be_divided_by_is_an_error() {
    for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = apply_temperature(&[1.0f32, 2.0], temperature);
        assert!(
            matches!(error, Err(TemperatureError::Domain(_))),
            "{temperature}"
        );
    }
}
