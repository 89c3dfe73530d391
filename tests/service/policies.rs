//! Policies of a model with their certificates, and its rules for stopping.

use std::fs;

use serde_json::{Value, json};

use super::server::{Server, answer, fixture};
use testkit::tiny;

/// A certified policy, one with too few images, and one set by hand; and two stopping rules.
const CALIBRATION: &str = r#"
[calibration.tta]
temperature = 1.0
cells = 2000
images = 84
stopping = { start = 10, step = 5, lambda = 2.5 }

[[calibration.tta.policies]]
name = "accept_error_2_classes_5"
measure = "abnormal_entropy"
threshold = 10.0
alpha = 0.05
delta = 0.1
promise = "none: made by a test"
kind = "accept_error_2_classes"
certificate = { images = 84, cells = 2000, coverage = 0.75, trials = 1500, errors = 40, p_value = 0.0625 }

[[calibration.tta.policies]]
name = "auto_clear_5"
measure = "abnormal_entropy"
threshold = 0.5
alpha = 0.05
delta = 0.1
promise = "none: made by a test"
kind = "auto_clear"
certificate = { images = 84, cells = 2000, coverage = 0.5, trials = 900, errors = 20, p_value = 0.0625, abnormal_below_half = true }

[[calibration.tta.policies]]
name = "auto_clear_1"
measure = "abnormal_entropy"
alpha = 0.01
delta = 0.1
promise = "none: made by a test"
kind = "auto_clear"
certificate = { images = 84, cells = 2000, coverage = 0.0, trials = 0, errors = 0, further_images = 120 }

[calibration.baseline]
temperature = 1.0
cells = 1
images = 1
stopping = { start = 2, step = 1, lambda = inf }

[[calibration.baseline.policies]]
name = "by hand"
measure = "predictive_entropy"
threshold = 0.5
alpha = 0.05
delta = 0.1
promise = "none: made by a test"
"#;

/// A server with the small bundle after a change to its manifest.
pub fn serve(change: impl Fn(String) -> String) -> (tempfile::TempDir, Server) {
    let models = tempfile::tempdir().unwrap();
    let directory = models.path().join("tiny");
    fs::create_dir(&directory).unwrap();
    tiny::trunk_and_heads(&directory);
    let path = directory.join("bundle.toml");
    fs::write(&path, change(fs::read_to_string(&path).unwrap())).unwrap();
    let server = Server::of(models.path(), &[]);
    (models, server)
}

/// The entry of a list with this text in a member.
fn entry<'a>(list: &'a Value, member: &str, text: &str) -> &'a Value {
    let mut entries = list.as_array().unwrap().iter();
    entries.find(|entry| entry[member] == text).unwrap()
}

#[tokio::test]
async fn policies_have_certificates() {
    let (_models, server) = serve(|manifest| manifest + CALIBRATION);
    let model = answer(server.get("/v1/models/tiny")).await;
    let policy = |name| entry(&model["policies"], "name", name);

    let kept = policy("accept_error_2_classes_5");
    assert_eq!(kept["kind"], "accept_error_2_classes");
    assert_eq!(kept["measure"], "abnormal_entropy");
    let certificate = json!({
        "images": 84, "cells": 2000, "coverage": 0.75, "trials": 1500, "errors": 40,
        "p_value": 0.0625, "further_images": null,
    });
    assert_eq!(kept["certificate"], certificate);
    let caveat = kept["caveat"].as_str().unwrap();
    assert!(caveat.contains("most probable class alone"), "{caveat}");

    let unasked = policy("auto_clear_5");
    assert_eq!(
        (&unasked["default"], &unasked["caveat"]),
        (&true.into(), &Value::Null)
    );
    let defaults = model["policies"].as_array().unwrap().iter();
    assert_eq!(
        defaults.filter(|policy| policy["default"] == true).count(),
        1
    );

    let unkept = policy("auto_clear_1");
    assert_eq!(unkept["kind"], "auto_clear");
    assert_eq!(unkept["threshold"], Value::Null);
    let certificate = json!({
        "images": 84, "cells": 2000, "coverage": 0.0, "trials": 0, "errors": 0,
        "p_value": null, "further_images": 120,
    });
    assert_eq!(unkept["certificate"], certificate);

    let by_hand = policy("by hand").as_object().unwrap();
    assert_eq!(
        (&by_hand["kind"], &by_hand["certificate"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn calibration_has_stopping_rules() {
    let (_models, server) = serve(|manifest| manifest + CALIBRATION);
    let model = answer(server.get("/v1/models/tiny")).await;
    let stopping = |method| &entry(&model["calibration"], "method", method)["stopping"];
    assert_eq!(
        stopping("tta"),
        &json!({"start": 10, "step": 5, "lambda": 2.5})
    );
    let never = json!({"start": 2, "step": 1, "lambda": null});
    assert_eq!(stopping("baseline"), &never, "JSON has no infinity");

    let (_models, server) =
        serve(|manifest| manifest + &CALIBRATION.replace("stopping", "# stopping"));
    let model = answer(server.get("/v1/models/tiny")).await;
    assert_eq!(
        entry(&model["calibration"], "method", "tta")["stopping"],
        Value::Null
    );
}

#[tokio::test]
async fn abnormal_entropy_needs_both_kinds_of_class() {
    let cell = || fixture("imaging/crop00.png");
    let (_models, server) = serve(|manifest| manifest);
    let told = answer(server.predict("?method=ensemble&compare=baseline", cell())).await;
    for answer in [&told, &told["comparisons"][0]] {
        let a = answer["prediction"]["abnormal_probability"]
            .as_f64()
            .unwrap();
        let entropy = answer["uncertainty"]["abnormal_entropy"].as_f64().unwrap();
        let wanted = -a * a.ln() - (1.0 - a) * (1.0 - a).ln();
        assert!((entropy - wanted).abs() < 1e-9, "{a} {entropy}");
    }
    let (_models, server) =
        serve(|manifest| manifest.replace("abnormal = true", "abnormal = false"));
    let told = answer(server.predict("", cell())).await;
    let uncertainty = told["uncertainty"].as_object().unwrap();
    assert_eq!(uncertainty["abnormal_entropy"], Value::Null);
}
