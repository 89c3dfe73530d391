//! `prediction_sets.json`: p-values and sets by cell and by image.

use serde_json::Value;
use uncertainty::prediction_sets::{ClassCalibration, SetThresholds};

use testkit::numbers::{Tolerance, assert_number, id, indices, list, load, matrix, number};

fn classes_of(case: &Value) -> Vec<ClassCalibration> {
    let inputs = &case["inputs"];
    let probabilities = matrix(&inputs["probs"]);
    let classes = matrix(&inputs["queries"])[0].len();
    let (labels, images) = (indices(&inputs["y_true"]), indices(&inputs["image"]));
    let cells = probabilities.iter().zip(labels).zip(images);
    let cells = cells.map(|((row, label), image)| (row.as_slice(), label, image));
    ClassCalibration::of_classes(classes, cells)
}

#[test]
fn p_values_agree_with_reference() {
    let file = load("prediction_sets.json");
    for case in list(&file["cases"]) {
        let tolerance = Tolerance::of(&file, case);
        let classes = classes_of(case);
        let held: Vec<usize> = classes.iter().map(ClassCalibration::images).collect();
        assert_eq!(held, indices(&case["expected"]["images_per_class"]));
        let wanted = &case["expected"];
        for (number, query) in matrix(&case["inputs"]["queries"]).iter().enumerate() {
            for (class, probability) in query.iter().enumerate() {
                let score = 1.0 - probability;
                let what = format!("{} query {number} class {class}", id(case));
                let of = [
                    ("p_by_cell", classes[class].p_by_cell(score)),
                    ("p_by_image", classes[class].p_by_image(score)),
                ];
                for (field, got) in of {
                    assert_number(&what, field, got, &wanted[field][number][class], tolerance);
                }
            }
        }
    }
}

#[test]
fn sets_agree_with_reference() {
    for case in list(&load("prediction_sets.json")["cases"]) {
        let classes = classes_of(case);
        for (confidence, wanted) in case["expected"]["sets"].as_object().unwrap() {
            let thresholds = SetThresholds::fit(&classes, confidence.parse().unwrap()).unwrap();
            for (number, query) in matrix(&case["inputs"]["queries"]).iter().enumerate() {
                let set = thresholds.set(query);
                let what = format!("{} query {number} at {confidence}", id(case));
                assert_eq!(set.by_cell, indices(&wanted["by_cell"][number]), "{what}");
                assert_eq!(set.by_image, indices(&wanted["by_image"][number]), "{what}");
            }
            let never: Vec<bool> = thresholds.by_image.iter().map(|most| *most < 1.0).collect();
            let may: Vec<bool> = list(&wanted["can_exclude_by_image"])
                .iter()
                .map(|flag| flag.as_bool().unwrap())
                .collect();
            assert_eq!(never, may, "{} at {confidence}", id(case));
        }
    }
}

#[test]
fn invalid_thresholds_are_refused() {
    let good = SetThresholds {
        confidence: 0.9,
        by_cell: vec![0.5, 1.0],
        by_image: vec![0.5, 1.0],
    };
    assert!(good.check(2).is_ok());
    assert!(good.check(3).is_err());
    let confidence = number(&serde_json::json!(1.0));
    assert!(
        SetThresholds {
            confidence,
            ..good.clone()
        }
        .check(2)
        .is_err()
    );
    assert!(
        SetThresholds {
            by_cell: vec![0.5, f64::NAN],
            ..good
        }
        .check(2)
        .is_err()
    );
}
