//! The committed bundle keeps the promises of its evaluation.

use std::fs;

use bundle::{Bundle, Method};
use serde_json::Value;
use uncertainty::Promise;

const DEFAULT: &str = "models/cric-lite0";

fn evaluation() -> Value {
    serde_json::from_slice(&fs::read(testkit::path(DEFAULT).join("evaluation.json")).unwrap())
        .unwrap()
}

fn methods(evaluation: &Value, part: &str) -> Vec<Value> {
    let parts = evaluation["parts"].as_array().unwrap();
    let part = parts.iter().find(|found| found["name"] == part).unwrap();
    part["methods"].as_array().unwrap().clone()
}

fn question<'a>(method: &'a Value, key: &str) -> &'a Value {
    let questions = method["questions"].as_array().unwrap();
    questions.iter().find(|found| found["key"] == key).unwrap()
}

#[test]
fn default_bundle_reaches_its_figures() {
    let methods = methods(&evaluation(), "out of fold");
    assert_eq!(methods.len(), 4);
    for method in &methods {
        let at_least = |value: &Value, bound: f64| {
            assert!(
                value.as_f64().unwrap() >= bound,
                "{}: {value}",
                method["name"]
            );
        };
        let (all, two) = (question(method, "classes"), question(method, "abnormal"));
        at_least(&two["figures"]["auroc"]["value"], 0.95);
        at_least(&two["figures"]["accuracy"]["value"], 0.9);
        at_least(&all["figures"]["accuracy"]["value"], 0.84);
        at_least(&all["figures"]["balanced_accuracy"]["value"], 0.48);
        let entropy = &all["uncertainty"]["predictive_entropy"];
        at_least(&entropy["auroc_misprediction"]["value"], 0.88);
    }
}

#[test]
fn card_matches_the_evaluation() {
    let card = fs::read_to_string(testkit::path(DEFAULT).join("MODEL_CARD.md")).unwrap();
    for method in methods(&evaluation(), "out of fold") {
        let auroc = &question(&method, "abnormal")["figures"]["auroc"]["value"];
        let written = format!("{:.3} [", auroc.as_f64().unwrap());
        assert!(card.contains(&written), "{written}");
    }
    for needed in [
        "Not for diagnosis",
        "CC BY 4.0",
        "Rezende",
        "Apache-2.0",
        "Limits",
    ] {
        assert!(card.contains(needed), "{needed}");
    }
}

#[test]
fn default_bundle_is_valid_and_complete() {
    let folder = testkit::path(DEFAULT);
    let bundle = Bundle::open(&folder).unwrap();
    assert!(bundle.manifest().lacks().is_empty());
    assert_eq!(bundle.manifest().offered_methods(), Method::ALL);
    assert_eq!(bundle.manifest().calibration.len(), 4);
    assert!(bundle.out_of_distribution().is_some());
    for method in Method::ALL {
        let default = bundle.manifest().default_policy(method).unwrap();
        assert_eq!(default.kind, Some(Promise::ClearMissedAbnormal), "{method}");
    }
    let files = fs::read_dir(folder).unwrap();
    let bytes: u64 = files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!(bytes <= 16_000_000, "{bytes}");
}
