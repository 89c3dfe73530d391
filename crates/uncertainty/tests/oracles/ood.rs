//! `ood.json`: Mahalanobis distances, nearest neighbours, energy, conformal p-values.

use serde_json::Value;
use uncertainty::ood::{
    ClassDistances, Mahalanobis, Neighbours, OodError, OodModel, conformal_p, energy,
};

use testkit::numbers::{
    Tolerance, assert_number, assert_numbers, id, index, indices, list, load, matrix, number,
    numbers,
};

fn distances(inputs: &Value) -> Result<Vec<ClassDistances>, OodError> {
    let (rows, labels) = (matrix(&inputs["features"]), indices(&inputs["labels"]));
    let fitted = Mahalanobis::fit(&rows, &labels, number(&inputs["ridge"]))?;
    let queries = matrix(&inputs["queries"]);
    queries.iter().map(|row| fitted.distances(row)).collect()
}

/// The distances to the k-th neighbours, of rows as they are and of their directions.
fn neighbours(inputs: &Value, k: usize) -> Result<[Vec<f64>; 2], OodError> {
    let (rows, queries) = (matrix(&inputs["features"]), matrix(&inputs["queries"]));
    let directions = Neighbours::normalised(&rows)?;
    let to_all = |neighbours: &Neighbours| {
        let of = queries.iter().map(|row| neighbours.distance(row, k));
        of.collect::<Result<Vec<f64>, OodError>>()
    };
    Ok([to_all(&Neighbours::new(rows)?)?, to_all(&directions)?])
}

fn energies(inputs: &Value) -> Result<Vec<f64>, OodError> {
    let temperature = number(&inputs["temperature"]);
    let logits = matrix(&inputs["logits"]);
    logits.iter().map(|row| energy(row, temperature)).collect()
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
fn mahalanobis_distances_agree_with_the_reference() {
    let file = load("ood.json");
    for case in list(&file["cases"]) {
        let (found, wanted) = (distances(&case["inputs"]).unwrap(), &case["expected"]);
        let tolerance = Tolerance::of(&file, case);
        let hold = |field: &str, of: fn(&ClassDistances) -> f64| {
            let values: Vec<f64> = found.iter().map(of).collect();
            assert_numbers(id(case), field, &values, &wanted[field], tolerance);
        };
        hold("mahalanobis_sq", |row| row.nearest_squared);
        hold("mahalanobis", ClassDistances::nearest);
        hold("background_mahalanobis_sq", |row| row.background_squared);
        hold("relative_mahalanobis", ClassDistances::relative);
        let classes = indices(&wanted["classes"]);
        let per_class = list(&wanted["mahalanobis_sq_per_class"]);
        let nearest = indices(&wanted["mahalanobis_nearest_class"]);
        for ((row, wanted), nearest) in found.iter().zip(per_class).zip(nearest) {
            assert!(row.squared.keys().eq(&classes), "{}: classes", id(case));
            assert_eq!(row.nearest_class, nearest, "{}: nearest class", id(case));
            let squared: Vec<f64> = row.squared.values().copied().collect();
            assert_numbers(id(case), "per class", &squared, wanted, tolerance);
        }
    }
}

#[test]
fn fitted_means_and_covariances_agree_with_the_reference() {
    let file = load("ood.json");
    for case in list(&file["cases"]) {
        let (inputs, wanted) = (&case["inputs"], &case["expected"]);
        let tolerance = Tolerance::of(&file, case);
        let (rows, labels) = (matrix(&inputs["features"]), indices(&inputs["labels"]));
        let fitted = Mahalanobis::fit(&rows, &labels, number(&inputs["ridge"])).unwrap();
        let means = fitted.class_means().values();
        for (mean, wanted) in means.zip(list(&wanted["class_means"])) {
            assert_numbers(id(case), "class mean", mean, wanted, tolerance);
        }
        let background = fitted.background();
        let mean = &wanted["background_mean"];
        assert_numbers(
            id(case),
            "background mean",
            &background.mean,
            mean,
            tolerance,
        );
        let covariance = &wanted["background_covariance"];
        for (i, left) in background.factor.iter().enumerate() {
            for (j, right) in background.factor[..=i].iter().enumerate() {
                let product: f64 = left.iter().zip(right).map(|(l, r)| l * r).sum();
                let wanted = &covariance[i][j];
                assert_number(id(case), "covariance", product, wanted, tolerance);
            }
        }
    }
}

#[test]
fn distances_to_neighbours_agree_with_the_reference() {
    let file = load("ood.json");
    for case in list(&file["cases"]) {
        for (k, wanted) in case["expected"]["knn"].as_object().unwrap() {
            let [raw, directions] = neighbours(&case["inputs"], k.parse().unwrap()).unwrap();
            let tolerance = Tolerance::of(&file, case);
            assert_numbers(id(case), "raw", &raw, &wanted["raw"], tolerance);
            let wanted = &wanted["l2_normalised"];
            assert_numbers(id(case), "l2_normalised", &directions, wanted, tolerance);
        }
    }
}

#[test]
fn energies_agree_with_the_reference() {
    let file = load("ood.json");
    for case in list(&file["energy"]) {
        let found = energies(&case["inputs"]).unwrap();
        let (wanted, tolerance) = (&case["expected"]["energy"], Tolerance::of(&file, case));
        assert_numbers(id(case), "energy", &found, wanted, tolerance);
    }
}

#[test]
fn conformal_p_values_agree_with_the_reference() {
    let file = load("ood.json");
    for case in list(&file["conformal_p"]) {
        let found = p_values(&case["inputs"]).unwrap();
        let (wanted, tolerance) = (&case["expected"]["p"], Tolerance::of(&file, case));
        assert_numbers(id(case), "p", &found, wanted, tolerance);
    }
}

#[test]
fn the_served_model_scores_by_the_background_of_the_reference() {
    let file = load("ood.json");
    // What is served reads 32-bit statistics, so queries are held to their rounding.
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

/// The first error of whatever the inputs of an error case are for.
fn error_of(inputs: &Value) -> Option<OodError> {
    if inputs["k"].is_number() {
        return neighbours(inputs, index(&inputs["k"])).err();
    }
    if inputs["logits"].is_array() {
        return energies(inputs).err();
    }
    if inputs["calibration"].is_array() {
        return p_values(inputs).err();
    }
    distances(inputs).err()
}

#[test]
fn every_error_case_is_the_error_it_should_be() {
    for case in list(&load("ood.json")["error_cases"]) {
        let error = error_of(&case["inputs"]).unwrap_or_else(|| panic!("{}", id(case)));
        let name = match error {
            OodError::Empty => "empty",
            OodError::Shape { .. } | OodError::LabelCount { .. } => "shape",
            OodError::NotFinite { .. } => "not_finite",
            OodError::Singular { .. } => "singular",
            _ => "domain",
        };
        assert_eq!(name, case["error"], "{}", id(case));
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

#[test]
fn what_has_no_inverse_is_singular_however_it_is_rounded() {
    // The third value is the sum of the others.
    let rows = [[0.1, 0.7], [0.3, 0.2], [0.9, 0.4], [0.6, 0.8], [0.2, 0.5]];
    let rows: Vec<Vec<f64>> = rows.map(|[a, b]| vec![a, b, a + b]).to_vec();
    let fit = |ridge| Mahalanobis::fit(&rows, &[0, 0, 0, 1, 1], ridge);
    assert_eq!(fit(0.0), Err(OodError::Singular { index: 2 }));
    assert!(fit(1e-6).is_ok());
    assert_eq!(fit(-1.0), Err(OodError::Ridge(-1.0)));
    assert_eq!(
        Mahalanobis::fit(&rows, &[0], 1.0),
        Err(OodError::LabelCount { labels: 1, rows: 5 })
    );
}
