//! `ood.json`: Mahalanobis distances to one Gaussian and conformal p-values. The file's other
//! sections are for scores that this crate does not have.

use serde_json::Value;
use uncertainty::ood::{Gaussian, OodError, OodModel, conformal_p};

use testkit::numbers::{
    Tolerance, assert_number, assert_numbers, id, list, load, matrix, number, numbers,
};

fn fit(inputs: &Value) -> Result<Gaussian, OodError> {
    Gaussian::fit(&matrix(&inputs["features"]), number(&inputs["ridge"]))
}

/// The squared distance of each query.
fn distances(inputs: &Value) -> Result<Vec<f64>, OodError> {
    let gaussian = fit(inputs)?;
    let queries = matrix(&inputs["queries"]);
    queries
        .iter()
        .map(|row| gaussian.squared_distance(row))
        .collect()
}

fn p_values(inputs: &Value) -> Result<Vec<f64>, OodError> {
    let calibration = numbers(&inputs["calibration"]);
    let scores = numbers(&inputs["scores"]);
    scores
        .iter()
        .map(|score| conformal_p(&calibration, *score))
        .collect()
}

#[test]
fn distances_agree_with_reference() {
    let file = load("ood.json");
    for case in list(&file["cases"]) {
        let found = distances(&case["inputs"]).unwrap();
        let wanted = &case["expected"]["background_mahalanobis_sq"];
        assert_numbers(
            id(case),
            "distances",
            &found,
            wanted,
            Tolerance::of(&file, case),
        );
    }
}

#[test]
fn fitted_gaussians_agree_with_reference() {
    let file = load("ood.json");
    for case in list(&file["cases"]) {
        let (gaussian, wanted) = (fit(&case["inputs"]).unwrap(), &case["expected"]);
        let tolerance = Tolerance::of(&file, case);
        let mean = &wanted["background_mean"];
        assert_numbers(id(case), "mean", &gaussian.mean, mean, tolerance);
        let covariance = &wanted["background_covariance"];
        for (i, left) in gaussian.factor.iter().enumerate() {
            for (j, right) in gaussian.factor[..=i].iter().enumerate() {
                let product: f64 = left.iter().zip(right).map(|(l, r)| l * r).sum();
                let wanted = &covariance[i][j];
                assert_number(id(case), "covariance", product, wanted, tolerance);
            }
        }
    }
}

#[test]
fn conformal_p_values_agree_with_reference() {
    let file = load("ood.json");
    for case in list(&file["conformal_p"]) {
        let found = p_values(&case["inputs"]).unwrap();
        let (wanted, tolerance) = (&case["expected"]["p"], Tolerance::of(&file, case));
        assert_numbers(id(case), "p", &found, wanted, tolerance);
    }
}

#[test]
fn served_model_agrees_with_reference() {
    let file = load("ood.json");
    // The model reads 32-bit statistics, so queries are rounded to them.
    let tolerance = Tolerance {
        absolute: 1e-5,
        relative: 1e-4,
    };
    let narrow = |rows: Vec<Vec<f64>>| -> Vec<Vec<f32>> {
        let row_of = |row: Vec<f64>| row.into_iter().map(|value| value as f32).collect();
        rows.into_iter().map(row_of).collect()
    };
    let case = &file["cases"][0];
    let rows = narrow(matrix(&case["inputs"]["features"]));
    let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
    let model = OodModel::fit(&rows, &rows, number(&case["inputs"]["ridge"])).unwrap();
    assert_eq!(model.check(), Ok(()));
    assert_eq!(model.calibration_scores.len(), rows.len());
    let wanted = list(&case["expected"]["background_mahalanobis_sq"]);
    for (row, wanted) in narrow(matrix(&case["inputs"]["queries"]))
        .iter()
        .zip(wanted)
    {
        let judged = model.judge(row).unwrap();
        assert_number(id(case), "score", judged.score.powi(2), wanted, tolerance);
        let p = conformal_p(&model.calibration_scores, judged.score).unwrap();
        assert_eq!(judged.p_value, p);
    }
}

#[test]
fn error_cases_give_expected_errors() {
    for case in list(&load("ood.json")["error_cases"]) {
        let inputs = &case["inputs"];
        let error = match (inputs["calibration"].is_array(), inputs["ridge"].is_null()) {
            (true, _) => p_values(inputs).err(),
            (false, false) => distances(inputs).err(),
            (false, true) => continue,
        };
        let error = error.unwrap_or_else(|| panic!("{}", id(case)));
        let name = match error {
            OodError::Empty => "empty",
            OodError::Shape { .. } => "shape",
            OodError::NotFinite { .. } => "not_finite",
            OodError::Singular { .. } => "singular",
            _ => "domain",
        };
        assert_eq!(name, case["error"], "{}", id(case));
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

#[test]
fn singular_covariance_is_detected() {
    // The third value is the sum of the others.
    let rows = [[0.1, 0.7], [0.3, 0.2], [0.9, 0.4], [0.6, 0.8], [0.2, 0.5]];
    let rows: Vec<Vec<f64>> = rows.map(|[a, b]| vec![a, b, a + b]).to_vec();
    let fit = |ridge| Gaussian::fit(&rows, ridge);
    assert_eq!(fit(0.0), Err(OodError::Singular { index: 2 }));
    assert!(fit(1e-6).is_ok());
    assert_eq!(fit(-1.0), Err(OodError::Ridge(-1.0)));
}
