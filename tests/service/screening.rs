//! Prediction sets, triage and the default policy of a bundle of format 2.

use std::fs;

use serde_json::{Value, json};

use super::{
    fhir::{component, resource},
    policies::serve,
    server::{answer, fixture},
};

/// Prediction sets at two confidences that have all classes or only HSIL; a default policy that
/// accepts only cells called normal.
const CALIBRATION: &str = r#"
[calibration.baseline]
temperature = 1.0
cells = 2000
images = 84
default_policy = "clear_missed_abnormal_5"

[[calibration.baseline.prediction_sets]]
classes = { confidence = 0.9, by_cell = [1.0, 1.0, 1.0], by_image = [1.0, 1.0, 1.0] }
grades = { confidence = 0.9, by_cell = [0.0, 1.0, 1.0], by_image = [1.0, 1.0, 1.0] }
abnormality = { confidence = 0.9, by_cell = [0.0, 1.0], by_image = [1.0, 1.0] }

[[calibration.baseline.prediction_sets]]
classes = { confidence = 0.8, by_cell = [0.0, 0.0, 1.0], by_image = [0.0, 0.0, 0.0] }

[[calibration.baseline.policies]]
name = "clear_missed_abnormal_5"
measure = "abnormal_entropy"
threshold = 0.6931471805599453
alpha = 0.05
delta = 0.0125
promise = "none: made by a test"
kind = "clear_missed_abnormal"
certificate = { images = 84, cells = 2000, coverage = 0.5, trials = 900, errors = 20, p_value = 0.01, abnormal_below_half = true }
"#;

fn format_2(manifest: String) -> String {
    let labels = manifest
        .replace("format = 1", "format = 2")
        .replace(
            r#"{ name = "LSIL", abnormal = true }"#,
            r#"{ name = "LSIL", abnormal = true, high_grade = false, severity = 1 }"#,
        )
        .replace(
            r#"{ name = "HSIL", abnormal = true }"#,
            r#"{ name = "HSIL", abnormal = true, high_grade = true, severity = 2 }"#,
        );
    labels + CALIBRATION
}

#[tokio::test]
async fn prediction_sets_are_sorted_by_severity() {
    let (_models, server) = serve(format_2);
    let cell = || fixture("imaging/crop00.png");
    let told = answer(server.predict("", cell())).await;
    let all = json!(["HSIL", "LSIL", "NILM"]);
    let wanted = json!({
        "confidence": 0.9, "by_cell": all, "by_image": all,
        "grades": {
            "by_cell": ["high_grade", "low_grade"],
            "by_image": ["high_grade", "low_grade", "normal"],
        },
        "abnormality": { "by_cell": ["abnormal"], "by_image": ["abnormal", "normal"] },
    });
    assert_eq!(told["prediction_set"], wanted);

    let at_80 = answer(server.predict("?confidence=0.8", cell())).await;
    let wanted = json!({
        "confidence": 0.8, "by_cell": ["HSIL"], "by_image": [], "grades": null, "abnormality": null,
    });
    assert_eq!(at_80["prediction_set"], wanted);
    assert_ne!(at_80["id"], told["id"], "it is another question");

    let at_95 = answer(server.predict("?confidence=0.95", cell())).await;
    assert_eq!(at_95["prediction_set"], Value::Null, "the bundle has none");
    let fhir = resource(server.predict("", cell())).await;
    let said = |code: &str| component(&fhir, code)["valueString"].clone();
    assert_eq!(said("prediction-set-by-cell"), "HSIL or LSIL or NILM");
    assert_eq!(said("prediction-set-grades"), "high_grade or low_grade");
    assert_eq!(said("triage"), told["decision"]["triage"]);

    for empty in ["confidence=", "method=", "priority=", "passes="] {
        let refused = server.predict(&format!("?{empty}"), cell()).send().await;
        assert_eq!(refused.unwrap().status(), 422, "{empty}");
    }
    let refused = server
        .predict("?confidence=0.7", cell())
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 422);
}

#[tokio::test]
async fn default_policy_decides_and_is_named() {
    let (_models, server) = serve(format_2);
    let told = answer(server.predict("", fixture("imaging/crop00.png"))).await;
    let decision = &told["decision"];
    assert_eq!(decision["policy"], "clear_missed_abnormal_5");
    let question = "may this cell go without a person's look?";
    assert_eq!(decision["question"], question);
    let called_normal = told["prediction"]["label"] == "NILM"
        && told["prediction"]["abnormal_probability"].as_f64().unwrap() < 0.5;
    let (action, triage) = match called_normal {
        true => ("accept", vec!["accepted"]),
        false => ("refer", vec!["abnormal", "high_grade"]),
    };
    assert_eq!(decision["action"], action);
    assert!(
        triage.contains(&decision["triage"].as_str().unwrap()),
        "{decision}"
    );

    let model = answer(server.get("/v1/models/tiny")).await;
    assert_eq!(model["policies"][0]["default"], true);
    assert_eq!(model["labels"][2]["high_grade"], true);
    assert_eq!(model["labels"][2]["severity"], 2);
    assert_eq!(model["lacks"], json!([]));
}

#[tokio::test]
async fn format_1_bundle_lists_what_it_lacks() {
    let (_models, server) = serve(|manifest| manifest);
    let told = answer(server.predict("", fixture("imaging/crop00.png"))).await;
    assert_eq!(told["prediction_set"], Value::Null);
    assert_eq!(told["decision"]["question"], Value::Null);
    let model = answer(server.get("/v1/models/tiny")).await;
    let lacks: Vec<&str> = model["lacks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect();
    assert_eq!(lacks.len(), 2, "{lacks:?}");
    assert!(lacks[0].contains("high_grade") && lacks[1].contains("format is 1"));
}

#[test]
fn inconsistent_manifests_are_refused() {
    let refusals = [
        (
            "default_policy = \"clear",
            "default_policy = \"clearing",
            "default_policy",
        ),
        (
            "by_cell = [1.0, 1.0, 1.0]",
            "by_cell = [1.0, 1.0]",
            "one per class",
        ),
        ("confidence = 0.8", "confidence = 1.8", "confidence"),
        ("p_value = 0.01", "p_value = 0.5", "default_policy"),
        ("format = 2", "format = 1", "format = 2"),
        (
            "abnormal = true, high_grade = true",
            "abnormal = false, high_grade = true",
            "high_grade",
        ),
    ];
    for (from, to, said) in refusals {
        let models = tempfile::tempdir().unwrap();
        testkit::tiny::trunk_and_heads(models.path());
        let path = models.path().join("bundle.toml");
        let manifest = format_2(fs::read_to_string(&path).unwrap());
        assert!(manifest.contains(from), "{from}");
        fs::write(&path, manifest.replace(from, to)).unwrap();
        let refused = bundle::Bundle::open(models.path())
            .err()
            .unwrap()
            .to_string();
        assert!(refused.contains(said), "{from} → {to}: {refused}");
    }
}
