//! `calibration.json`: temperature scaling.

use uncertainty::{
    Samples,
    calibration::{TemperatureError, apply_temperature},
};

use testkit::numbers::{Tolerance, assert_numbers, id, list, load, matrix, number};

#[test]
fn scaled_logits_agree_with_reference() {
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
fn invalid_temperature_is_an_error() {
    for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = apply_temperature(&[1.0f32, 2.0], temperature);
        assert!(
            matches!(error, Err(TemperatureError::Domain(_))),
            "{temperature}"
        );
    }
}
