//! What is promised of the committed bundles, by their own evaluations.

use std::{fs, path::Path};

use bundle::{Bundle, Method};
use serde_json::Value;

const DEFAULT: &str = "models/cric-lite0";
const BUNDLES: [&str; 2] = [DEFAULT, "models/cric-lite0-100px"];

fn evaluation(bundle: &str) -> Value {
    serde_json::from_slice(&fs::read(testkit::path(bundle).join("evaluation.json")).unwrap())
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
fn the_default_tells_normal_from_abnormal_and_its_entropy_tells_its_errors() {
    let methods = methods(&evaluation(DEFAULT), "out of fold");
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
        at_least(&all["figures"]["accuracy"]["value"], 0.825);
        at_least(&all["figures"]["balanced_accuracy"]["value"], 0.44);
        let entropy = &all["uncertainty"]["predictive_entropy"];
        at_least(&entropy["auroc_misprediction"]["value"], 0.88);
    }
}

#[test]
fn their_cards_hold_the_figures_of_their_evaluations() {
    for bundle in BUNDLES {
        the_card_holds_the_figures_of_the_evaluation(bundle);
    }
}

fn the_card_holds_the_figures_of_the_evaluation(bundle: &str) {
    let card = fs::read_to_string(testkit::path(bundle).join("MODEL_CARD.md")).unwrap();
    let evaluation = evaluation(bundle);
    for part in ["out of fold", "test part"] {
        for method in methods(&evaluation, part) {
            let auroc = &question(&method, "abnormal")["figures"]["auroc"]["value"];
            let written = format!("{:.3} [", auroc.as_f64().unwrap());
            assert!(card.contains(&written), "{bundle}, {part}: {written}");
        }
    }
    for needed in [
        "Not for diagnosis",
        "CC BY 4.0",
        "Rezende",
        "Apache-2.0",
        "Limits",
    ] {
        assert!(card.contains(needed), "{bundle}: {needed}");
    }
}

#[test]
fn they_are_sound_small_and_complete() {
    for bundle in BUNDLES {
        is_sound_small_and_complete(&testkit::path(bundle));
    }
}

fn is_sound_small_and_complete(folder: &Path) {
    let bundle = Bundle::open(folder).unwrap();
    assert_eq!(bundle.manifest().offered_methods(), Method::ALL);
    assert_eq!(bundle.manifest().calibration.len(), 4);
    assert!(bundle.out_of_distribution().is_some());
    for method in Method::ALL {
        let default = bundle.manifest().default_policy(method).unwrap();
        assert!(default.may_be_default(), "{method}: {}", default.name);
    }
    let files = fs::read_dir(folder).unwrap();
    let bytes: u64 = files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!(bytes <= 25_000_000, "{bytes}");
}
