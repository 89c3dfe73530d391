//! `selective.json`: how well an uncertainty finds wrong answers.

use evaluation::{
    EvaluationError, Predictions, Scored,
    four_way::{Side, four_way},
    ranking::auroc,
    selective::{augrc, aurc, aurc_of_oracle, excess_aurc, risk_at_coverages},
};
use serde_json::Value;
use uncertainty::Range;

use crate::cases::{evaluation_error_name, predictions_of};
use testkit::numbers::{
    Tolerance, assert_number, assert_numbers, id, index, indices, list, load, numbers,
};

/// A case with the results of its inputs.
struct SelectiveCase {
    predictions: Predictions,
    uncertainty: Vec<f64>,
    mispredictions: Scored,
}

fn read(case: &Value) -> Result<SelectiveCase, EvaluationError> {
    let predictions = predictions_of(case)?;
    let uncertainty = numbers(&case["inputs"]["uncertainty"]);
    let mispredictions = predictions.mispredictions(&uncertainty)?;
    Ok(SelectiveCase {
        predictions,
        uncertainty,
        mispredictions,
    })
}

fn each_case(check: impl Fn(&Value, SelectiveCase, &Value, Tolerance)) {
    let file = load("selective.json");
    for case in list(&file["cases"]) {
        check(
            case,
            read(case).unwrap(),
            &case["expected"],
            Tolerance::of(&file, case),
        );
    }
}

/// The same ranking with ties broken by the order of the input, as in libraries with a stable sort.
fn untied(inputs: &SelectiveCase) -> Scored {
    let mut order: Vec<usize> = (0..inputs.uncertainty.len()).collect();
    order.sort_by(|&left, &right| inputs.uncertainty[left].total_cmp(&inputs.uncertainty[right]));
    let mut ranks = vec![0.0; order.len()];
    order
        .iter()
        .enumerate()
        .for_each(|(rank, &item)| ranks[item] = rank as f64);
    inputs.predictions.mispredictions(&ranks).unwrap()
}

#[test]
fn predictions_match_the_reference() {
    each_case(|case, inputs, wanted, tolerance| {
        let predictions = &inputs.predictions;
        assert_eq!(
            predictions.predicted(),
            indices(&wanted["predicted"]),
            "{}: predicted",
            id(case)
        );
        let correct: Vec<bool> = predictions.correct().collect();
        assert_eq!(
            serde_json::to_value(&correct).unwrap(),
            wanted["correct"],
            "{}: correct",
            id(case)
        );
        let (items, errors) = (
            inputs.mispredictions.items(),
            inputs.mispredictions.events(),
        );
        assert_eq!(
            (items, errors),
            (index(&wanted["n"]), index(&wanted["n_errors"])),
            "{}",
            id(case)
        );
        let accuracy = 1.0 - errors as f64 / items as f64;
        assert_number(
            id(case),
            "accuracy",
            accuracy,
            &wanted["accuracy"],
            tolerance,
        );
        let has_ties = inputs.mispredictions.tie_groups().count() < items;
        assert_eq!(has_ties, wanted["has_ties"], "{}: ties", id(case));
    });
}

#[test]
fn areas_match_the_reference() {
    each_case(|case, inputs, wanted, tolerance| {
        let scored = &inputs.mispredictions;
        let figures = [
            ("aurc", Some(aurc(scored))),
            ("aurc_stable", Some(aurc(&untied(&inputs)))),
            ("aurc_oracle", Some(aurc_of_oracle(scored))),
            ("e_aurc", Some(excess_aurc(scored))),
            ("augrc", Some(augrc(scored))),
            ("auroc_misprediction", auroc(scored)),
        ];
        for (name, figure) in figures {
            assert_number(id(case), name, figure, &wanted[name], tolerance);
        }
    });
}

#[test]
fn risks_match_the_reference() {
    let percents = [50, 80, 90];
    each_case(|case, inputs, wanted, tolerance| {
        let averaged = risk_at_coverages(&inputs.mispredictions, &percents).unwrap();
        let stable = risk_at_coverages(&untied(&inputs), &percents).unwrap();
        for ((name, averaged), stable) in ["0.5", "0.8", "0.9"].iter().zip(averaged).zip(stable) {
            let wanted = &wanted["accuracy_at_coverage"][name];
            let averaged_of = &wanted["accuracy_tie_averaged"];
            assert_number(id(case), name, 1.0 - averaged, averaged_of, tolerance);
            assert_number(
                id(case),
                name,
                1.0 - stable,
                &wanted["accuracy_stable"],
                tolerance,
            );
        }
    });
}

#[test]
fn four_way_tables_match_the_reference() {
    each_case(|case, inputs, wanted, tolerance| {
        let range = Range::over(&inputs.uncertainty).unwrap();
        let normalised: Vec<f64> = inputs
            .uncertainty
            .iter()
            .map(|&value| range.normalise(value))
            .collect();
        assert_numbers(
            id(case),
            "normalised",
            &normalised,
            &wanted["uncertainty_normalised"],
            tolerance,
        );
        let positive = indices(&case["inputs"]["positive_classes"]);
        for (name, threshold) in [("0.3", 0.3), ("0.6", 0.6), ("0.9", 0.9)] {
            let wanted = &wanted["four_way"][name];
            let table = four_way(&inputs.predictions, &normalised, &positive, threshold).unwrap();
            assert_side(id(case), table.confident, &wanted["confident"], tolerance);
            assert_side(id(case), table.uncertain, &wanted["uncertain"], tolerance);
        }
    });
}

fn assert_side(case: &str, side: Side, wanted: &Value, tolerance: Tolerance) {
    let counts = [
        ("n", side.items),
        ("n_correct", side.correct),
        ("n_incorrect", side.incorrect),
        ("tp", side.true_positives),
        ("tn", side.true_negatives),
        ("fp", side.false_positives),
        ("fn", side.false_negatives),
    ];
    for (name, count) in counts {
        assert_eq!(count, index(&wanted[name]), "{case}: {name}");
    }
    let shares = [
        ("accuracy", side.accuracy),
        ("sensitivity", side.sensitivity),
        ("specificity", side.specificity),
        ("ppv", side.positive_predictive_value),
        ("npv", side.negative_predictive_value),
    ];
    for (name, share) in shares {
        assert_number(case, name, share, &wanted[name], tolerance);
    }
}

#[test]
fn error_cases_give_their_errors() {
    for case in list(&load("selective.json")["error_cases"]) {
        let Err(error) = read(case) else {
            panic!("{}: no error", id(case))
        };
        assert_eq!(
            evaluation_error_name(&error),
            case["error"],
            "{}: {error}",
            id(case)
        );
    }
}

#[test]
fn missing_table_or_coverage_is_refused() {
    let predictions = Predictions::from_rows(&[vec![0.5, 0.5]], vec![0]).unwrap();
    let no_table = |uncertainty: &[f64], positive: &[usize]| {
        evaluation_error_name(&four_way(&predictions, uncertainty, positive, 0.5).unwrap_err())
    };
    assert_eq!(no_table(&[0.1, 0.2], &[1]), "shape");
    assert_eq!(no_table(&[f64::NAN], &[1]), "not_finite");
    assert_eq!(no_table(&[0.1], &[2]), "label_out_of_range");
    let scored = predictions.mispredictions(&[0.1]).unwrap();
    for percent in [0, 101] {
        let risk = risk_at_coverages(&scored, &[50, percent]);
        assert_eq!(risk, Err(EvaluationError::Coverage(percent)));
    }
    assert_eq!(Scored::new(&[], &[]), Err(EvaluationError::Empty));
}
