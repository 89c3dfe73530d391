//! `risk_control.json` and `risk_control_images.json`: certified thresholds.

use serde_json::Value;
use uncertainty::{
    Promise,
    risk_control::{
        Counts, Grid, Moments, Outcome, PValue, RiskError, Tally, Test, binomial_p,
        cells_without_error, certified_steps, certify, clopper_pearson_upper,
    },
};

use testkit::numbers::{
    Tolerance, assert_number, assert_numbers, id, index, indices, list, load, number, numbers,
};

/// Each cell is in a separate image, and wrong if the case says so.
fn tally(case: &Value) -> Result<Tally, RiskError> {
    let inputs = &case["inputs"];
    let errors = list(&inputs["error"]).iter().map(|error| index(error) == 1);
    let pairs = numbers(&inputs["uncertainty"]).into_iter().zip(errors);
    let outcome = |(image, (uncertainty, wrong)): (usize, (f64, bool))| Outcome {
        image,
        uncertainty,
        eligible: true,
        abnormal: false,
        high_grade: false,
        called_abnormal: wrong,
        right_class: !wrong,
    };
    let cells: Vec<Outcome> = pairs.enumerate().map(outcome).collect();
    let grid = Grid::new(numbers(&inputs["thresholds"]))?;
    Tally::of(Promise::AcceptError, &cells, &grid)
}

#[test]
fn counts_agree_with_reference() {
    for case in list(&load("risk_control.json")["cases"]) {
        // Images without accepted cells are left out of the moments, and their cells do not count.
        let moments = tally(case).unwrap().moments();
        let accepted: Vec<usize> = moments.iter().map(|step| step.trials as usize).collect();
        let errors: Vec<usize> = moments.iter().map(|step| step.errors as usize).collect();
        let wanted = &case["expected"];
        assert_eq!(accepted, indices(&wanted["n_accepted"]), "{}", id(case));
        assert_eq!(errors, indices(&wanted["n_errors"]), "{}", id(case));
    }
}

#[test]
fn cell_sequence_agrees_with_reference() {
    let file = load("risk_control.json");
    for case in list(&file["cases"]) {
        let tolerance = Tolerance::of(&file, case);
        let tally = tally(case).unwrap();
        let moments = tally.moments();
        for combo in list(&case["combos"]) {
            let (alpha, delta) = (number(&combo["alpha"]), number(&combo["delta"]));
            let wanted = &combo["expected"];
            let p_values: Vec<f64> = moments
                .iter()
                .map(|step| Test::CellsAlone.p(step, alpha))
                .collect();
            assert_numbers(id(case), "p", &p_values, &wanted["p_values"], tolerance);
            let upper: Vec<f64> = moments
                .iter()
                .map(|step| clopper_pearson_upper(step.errors, step.trials, delta))
                .collect();
            assert_numbers(id(case), "upper", &upper, &wanted["cp_upper"], tolerance);

            let start = index(&combo["start_index"]);
            let certified = certified_steps(start, moments.len(), delta, |step| p_values[step]);
            let chosen = certified.clone().next_back();
            assert_eq!(
                certified.collect::<Vec<_>>(),
                indices(&wanted["certified_indices"]),
                "{}",
                id(case)
            );
            assert_eq!(
                chosen.map(|step| step as u64),
                wanted["chosen_index"].as_u64()
            );
            let threshold = chosen.map(|step| tally.grid().thresholds()[step]);
            assert_eq!(threshold, wanted["chosen_threshold"].as_f64());
            let accepted = chosen.map(|step| moments[step].accepted);
            assert_eq!(accepted, wanted["chosen_coverage_n"].as_u64());
        }
    }
}

#[test]
fn errors_agree_with_reference() {
    for case in list(&load("risk_control.json")["error_cases"]) {
        let inputs = &case["inputs"];
        let certified = tally(case)
            .and_then(|tally| certify(&tally, number(&inputs["alpha"]), number(&inputs["delta"])));
        let name = match certified {
            Err(RiskError::NoThresholds) => "empty",
            Err(RiskError::NotFinite(_) | RiskError::Threshold(_)) => "not_finite",
            Err(RiskError::NotIncreasing(_) | RiskError::NotAProbability { .. }) => "domain",
            // An outcome includes its error flag, so lists of different lengths are impossible.
            Ok(_) => "shape",
            Err(other) => panic!("the reference files have no name for: {other}"),
        };
        assert_eq!(name, case["error"], "{}", id(case));
    }
}

#[test]
fn p_values_and_bounds_agree_with_tables() {
    let file = load("risk_control.json");
    let whole = |value: &Value| value.as_u64().unwrap();
    for row in list(&file["p_value_table"]) {
        let p = binomial_p(whole(&row["n"]), whole(&row["k"]), number(&row["alpha"]));
        assert_number(
            &row.to_string(),
            "p",
            p,
            &row["p"],
            Tolerance::of(&file, row),
        );
    }
    for row in list(&file["cp_upper_table"]) {
        let delta = number(&row["delta"]);
        let upper = clopper_pearson_upper(whole(&row["k"]), whole(&row["n"]), delta);
        let tolerance = Tolerance::of(&file, row);
        assert_number(&row.to_string(), "upper", upper, &row["upper"], tolerance);
    }
    for row in list(&file["zero_error_table"]) {
        let (alpha, delta) = (number(&row["alpha"]), number(&row["delta"]));
        let cells = cells_without_error(alpha, delta);
        assert_eq!(cells, whole(&row["n_min"]), "{row}");
        let tolerance = Tolerance::of(&file, row);
        for (cells, field) in [(cells, "p_at_n"), (cells - 1, "p_at_n_minus_1")] {
            let p = binomial_p(cells, 0, alpha);
            assert_number(&row.to_string(), field, p, &row[field], tolerance);
        }
    }
}

/// The moments at each threshold of a case that counts by image.
fn steps(case: &Value) -> Vec<Moments> {
    let count = |trials: &Value, errors: &Value| {
        let (trials, errors) = (index(trials) as u64, index(errors) as u64);
        Counts {
            accepted: trials,
            trials,
            errors,
        }
    };
    let trials = list(&case["inputs"]["n_accepted"]);
    let errors = list(&case["inputs"]["n_errors"]);
    let images = list(&trials[0]).len();
    // The reference counts images without a case at any threshold. An additional last threshold,
    // dropped again, gives each of them a case.
    let last = Counts {
        accepted: 1,
        trials: 1,
        errors: 0,
    };
    let image = |image: usize| -> Vec<Counts> {
        let steps = trials.iter().zip(errors);
        let steps = steps.map(|(trials, errors)| count(&trials[image], &errors[image]));
        steps.chain([last]).collect()
    };
    let images: Vec<Vec<Counts>> = (0..images).map(image).collect();
    let mut moments = Moments::over(trials.len() + 1, images.iter());
    moments.pop();
    moments
}

#[test]
fn image_tests_agree_with_reference() {
    let file = load("risk_control_images.json");
    for case in list(&file["cases"]) {
        let (steps, tolerance) = (steps(case), Tolerance::of(&file, case));
        for expected in list(&case["expected"]) {
            let (alpha, delta) = (number(&expected["alpha"]), number(&expected["delta"]));
            for (step, wanted) in steps.iter().zip(list(&expected["p_values"])) {
                assert_p_value(id(case), PValue::of(step, alpha), wanted, tolerance);
            }
            let start = index(&case["inputs"]["start_index"]);
            let p = |step: usize| Test::CellsAndImages.p(&steps[step], alpha);
            let certified = certified_steps(start, steps.len(), delta, p);
            let chosen = certified.clone().next_back();
            assert_eq!(
                certified.collect::<Vec<_>>(),
                indices(&expected["certified_indices"]),
                "{} {alpha} {delta}",
                id(case)
            );
            let wanted = expected["chosen_index"].as_u64();
            assert_eq!(chosen.map(|step| step as u64), wanted, "{}", id(case));
        }
    }
}

fn assert_p_value(case: &str, p_value: PValue, wanted: &Value, tolerance: Tolerance) {
    let figures = [
        ("p_cells", p_value.cells),
        ("p_images", p_value.images),
        ("p", p_value.larger()),
    ];
    for (name, figure) in figures {
        assert_number(case, name, figure, &wanted[name], tolerance);
    }
    // If all images are identical, the reference divides by rounding error; this crate's spread is
    // exactly 0.
    let rounding = wanted["t"].as_f64().is_some_and(|t| t.abs() > 1e12);
    match rounding {
        true => assert_eq!(p_value.t, None, "{case}"),
        false => assert_number(case, "t", p_value.t, &wanted["t"], tolerance),
    }
}
