//! Policies and ranges of a bundle, as they show in its answers.

use std::fs;

use secondlook::{
    bundle::Method,
    config::EngineConfig,
    engine::{EngineError, PredictRequest},
    uncertainty::{Action, Reason},
};

use super::{request, start, tiny};

/// Two policies of `mc_dropout`: one that accepts everything, one that accepts nothing; and a range for one score.
const CALIBRATION: &str = r#"
[calibration.mc_dropout]
temperature = 2.0
cells = 1
images = 1
ranges.paper_entropy = { minimum = 0.0, maximum = 1000.0 }

[[calibration.mc_dropout.policies]]
name = "lenient"
measure = "predictive_entropy"
threshold = 10.0
alpha = 0.05
delta = 0.05
promise = "none: made by a test"

[[calibration.mc_dropout.policies]]
name = "refer-all"
measure = "predictive_entropy"
alpha = 0.01
delta = 0.05
promise = "none: made by a test"

[[calibration.mc_dropout.policies]]
name = "auto_clear_5"
measure = "abnormal_entropy"
threshold = 10.0
alpha = 0.05
delta = 0.05
promise = "none: made by a test"
kind = "auto_clear"
certificate = { images = 1, cells = 1, coverage = 1.0, trials = 1, errors = 0 }
"#;

#[tokio::test]
async fn the_bundles_policy_decides() {
    let directory = tempfile::tempdir().unwrap();
    tiny::trunk_and_heads(directory.path());
    let path = directory.path().join("bundle.toml");
    let manifest = fs::read_to_string(&path).unwrap();
    fs::write(&path, manifest + CALIBRATION).unwrap();
    let engine = start(directory.path(), EngineConfig::default()).unwrap();
    let ask = |method, policy: Option<&str>| {
        engine.predict(PredictRequest {
            method: Some(method),
            policy: policy.map(str::to_owned),
            ..request(1)
        })
    };

    let first = ask(Method::McDropout, None).await.unwrap().answer;
    assert_eq!(
        first.decision.action,
        Action::Accept,
        "the first policy is the default"
    );
    assert_eq!(first.decision.policy.as_deref(), Some("lenient"));
    assert!(first.decision.reasons.is_empty());
    let normalised = first.normalised.entropy.unwrap();
    assert!((normalised - first.summary.paper.entropy / 1000.0).abs() < 1e-12);
    assert_eq!(
        first.normalised.variance, None,
        "the bundle has no range for it"
    );

    let second = ask(Method::McDropout, Some("refer-all"))
        .await
        .unwrap()
        .answer;
    assert_eq!(second.decision.action, Action::Refer);
    assert_eq!(second.decision.reasons, [Reason::Uncertain]);

    let clearing = ask(Method::McDropout, Some("auto_clear_5")).await.unwrap();
    let answer = clearing.answer;
    let called_abnormal = answer.summary.abnormal.unwrap().called;
    assert_eq!(
        called_abnormal,
        answer.summary.predicted > 0,
        "the first class is the normal one"
    );
    let wanted = match called_abnormal {
        true => vec![Reason::Abnormal],
        false => vec![],
    };
    assert_eq!(answer.decision.reasons, wanted);

    let without = ask(Method::Baseline, None).await.unwrap().answer;
    assert_eq!(without.decision.reasons, [Reason::NoPolicy]);
    let refusal = ask(Method::McDropout, Some("strict")).await.unwrap_err();
    assert!(matches!(refusal, EngineError::UnknownPolicy { .. }));
    assert!(
        refusal
            .to_string()
            .contains("lenient, refer-all, auto_clear_5"),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_temperature_flattens_the_samples_before_they_are_averaged() {
    let directory = tempfile::tempdir().unwrap();
    tiny::trunk_and_heads(directory.path());
    let asked = PredictRequest {
        method: Some(Method::McDropout),
        ..request(1)
    };
    let engine = start(directory.path(), EngineConfig::default()).unwrap();
    let before = engine.predict(asked.clone()).await.unwrap().answer;
    let path = directory.path().join("bundle.toml");
    let manifest = fs::read_to_string(&path).unwrap();
    fs::write(&path, manifest + CALIBRATION).unwrap();
    let engine = start(directory.path(), EngineConfig::default()).unwrap();
    let after = engine.predict(asked).await.unwrap().answer;
    let classes = before.samples.classes();
    for (before, after) in before.samples.rows().zip(after.samples.rows()) {
        // p^(1/2), normalised: what a temperature of 2 does to a softmax.
        let roots: Vec<f64> = before.iter().map(|p| p.sqrt()).collect();
        let sum: f64 = roots.iter().sum();
        for class in 0..classes {
            assert!((after[class] - roots[class] / sum).abs() < 1e-6);
        }
    }
}
