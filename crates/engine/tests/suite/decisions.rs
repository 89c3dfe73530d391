//! Policies and ranges of a bundle, as they appear in its answers.

use std::fs;

use bundle::Method;
use engine::{EngineConfig, EngineError, MethodAnswer, RequestOptions, Warning};
use uncertainty::{AcceptedAs, Action, Reason};

use super::{image, policies, predict, start};
use testkit::tiny;

/// A range for one score of `mc_dropout`.
const RANGES: &str = r#"
[calibration.mc_dropout]
temperature = 2.0
cells = 1
images = 1
ranges.paper_entropy = { minimum = 0.0, maximum = 1000.0 }
"#;

/// A policy that accepts every cell that is called normal.
const AUTO_CLEAR: &str = r#"
[[calibration.mc_dropout.policies]]
name = "auto_clear_5"
measure = "abnormal_entropy"
threshold = 10.0
alpha = 0.05
delta = 0.05
promise = "none: made by a test"
kind = "auto_clear"
certificate = { images = 1, cells = 1, coverage = 1.0, trials = 1, errors = 0, p_value = 0.01 }
"#;

fn calibration() -> String {
    RANGES.to_owned() + &policies(Method::McDropout) + AUTO_CLEAR
}

#[tokio::test]
async fn policy_of_the_bundle_decides() {
    let directory = tempfile::tempdir().unwrap();
    tiny::trunk_and_heads(directory.path());
    let path = directory.path().join("bundle.toml");
    let manifest = fs::read_to_string(&path).unwrap();
    fs::write(&path, manifest + &calibration()).unwrap();
    let engine = start(directory.path(), EngineConfig::default()).unwrap();
    let ask = |method, policy: Option<&str>| {
        predict(
            &engine,
            RequestOptions {
                method: Some(method),
                policy: policy.map(str::to_owned),
                ..RequestOptions::default()
            },
            image(1),
        )
    };

    let first = ask(Method::McDropout, Some("lenient")).await.unwrap();
    let says_passes = |warning: &Warning| matches!(warning, Warning::Passes { .. });
    assert!(!first.warnings.iter().any(says_passes));
    let first = first.answer;
    assert_eq!(first.decision.action, Action::Accept);
    assert_eq!(first.decision.policy.as_deref(), Some("lenient"));
    assert_eq!(first.decision.accepted_as, None, "the policy has no kind");
    assert!(first.decision.reasons.is_empty());
    let normalised = first.normalised.entropy.unwrap();
    assert!((normalised - first.summary.paper.entropy / 1000.0).abs() < 1e-12);
    let fewer = RequestOptions {
        method: Some(Method::McDropout),
        passes: Some(10),
        ..RequestOptions::default()
    };
    let fewer = predict(&engine, fewer, image(1)).await.unwrap();
    let of_fifty = 5.0 * fewer.answer.summary.paper.entropy;
    let normalised = fewer.answer.normalised.entropy.unwrap();
    assert!((normalised - of_fifty / 1000.0).abs() < 1e-12);
    let other_passes = Warning::Passes {
        method: Method::McDropout,
        passes: 10,
        calibrated: 50,
    };
    assert!(fewer.warnings.contains(&other_passes));
    assert_eq!(
        first.normalised.variance, None,
        "the bundle has no range for it"
    );

    let second = ask(Method::McDropout, Some("refer-all"))
        .await
        .unwrap()
        .answer;
    assert_eq!(second.decision.action, Action::Refer);
    let of_call = |answer: &MethodAnswer| {
        let called = answer.summary.called_abnormal.unwrap();
        called.then_some(Reason::Abnormal)
    };
    let expected = |answer: &MethodAnswer, reason| {
        let reasons = of_call(answer).into_iter().chain([reason]);
        reasons.collect::<Vec<_>>()
    };
    assert_eq!(
        second.decision.reasons,
        expected(&second, Reason::Uncertain)
    );

    let without = ask(Method::Baseline, None).await.unwrap().answer;
    assert_eq!(
        without.decision.reasons,
        expected(&without, Reason::NoPolicy)
    );
    let refusal = ask(Method::McDropout, Some("strict")).await.unwrap_err();
    assert!(matches!(refusal, EngineError::UnknownPolicy { .. }));
    assert!(
        refusal
            .to_string()
            .contains("lenient, refer-all, auto_clear_5"),
        "{refusal}"
    );
}

/// The labels of the small bundle, with `abnormal` flags.
fn flagged(manifest: &str, abnormal: impl Fn(usize) -> bool) -> String {
    let names = ["NILM", "LSIL", "HSIL"].into_iter().enumerate();
    names.fold(manifest.to_owned(), |manifest, (class, name)| {
        let before = format!("name = \"{name}\", abnormal = {}", class > 0);
        assert!(manifest.contains(&before));
        let after = format!("name = \"{name}\", abnormal = {}", abnormal(class));
        manifest.replace(&before, &after)
    })
}

fn most_probable(mean: &[f64]) -> usize {
    let by_probability = |one: &usize, other: &usize| mean[*one].total_cmp(&mean[*other]);
    (0..mean.len()).max_by(by_probability).unwrap()
}

fn least_probable(mean: &[f64]) -> usize {
    let by_probability = |one: &usize, other: &usize| mean[*one].total_cmp(&mean[*other]);
    (0..mean.len()).min_by(by_probability).unwrap()
}

#[tokio::test]
async fn default_policy_must_be_certified() {
    let directory = tempfile::tempdir().unwrap();
    tiny::trunk_and_heads(directory.path());
    let path = directory.path().join("bundle.toml");
    let manifest = fs::read_to_string(&path).unwrap() + &calibration();
    let unasked = async |manifest: &str| {
        fs::write(&path, manifest).unwrap();
        let engine = start(directory.path(), EngineConfig::default()).unwrap();
        let asked = RequestOptions {
            method: Some(Method::McDropout),
            ..RequestOptions::default()
        };
        predict(&engine, asked, image(1)).await.unwrap().answer
    };
    let mean = unasked(&manifest).await.summary.mean;
    let abnormal = flagged(&manifest, |class| class == most_probable(&mean));
    let normal = flagged(&manifest, |class| class == least_probable(&mean));

    let cleared = unasked(&normal).await.decision;
    assert_eq!(cleared.policy.as_deref(), Some("auto_clear_5"));
    assert_eq!(cleared.accepted_as, Some(AcceptedAs::Normal));
    let referred = unasked(&abnormal).await.decision;
    assert_eq!(referred.policy.as_deref(), Some("auto_clear_5"));
    assert_eq!(referred.reasons, [Reason::Abnormal]);

    // Without a certificate the policy promises nothing, and "lenient" may accept abnormal cells.
    let uncertified = |manifest: &str| manifest.replace("certificate = ", "# certificate = ");
    let decision = unasked(&uncertified(&normal)).await.decision;
    assert_eq!(
        (decision.policy, decision.reasons),
        (None, vec![Reason::NoPolicy])
    );
    let decision = unasked(&uncertified(&abnormal)).await.decision;
    assert_eq!(decision.reasons, [Reason::Abnormal, Reason::NoPolicy]);

    // If every class is abnormal, every cell is.
    let decision = unasked(&flagged(&manifest, |_| true)).await.decision;
    assert_eq!(decision.policy.as_deref(), Some("auto_clear_5"));
    assert_eq!(decision.reasons, [Reason::Abnormal, Reason::Uncertain]);

    // If no class is abnormal, no cell is called abnormal.
    let decision = unasked(&flagged(&manifest, |_| false)).await.decision;
    assert_eq!(decision.policy.as_deref(), Some("lenient"));
}

#[tokio::test]
async fn only_certain_normal_cells_are_cleared() {
    let directory = tempfile::tempdir().unwrap();
    tiny::trunk_and_heads(directory.path());
    let path = directory.path().join("bundle.toml");
    let manifest = fs::read_to_string(&path).unwrap() + &calibration();
    let answer_of = async |manifest: String| {
        fs::write(&path, manifest).unwrap();
        let engine = start(directory.path(), EngineConfig::default()).unwrap();
        let asked = RequestOptions {
            method: Some(Method::McDropout),
            policy: Some("auto_clear_5".to_owned()),
            ..RequestOptions::default()
        };
        predict(&engine, asked, image(1)).await.unwrap().answer
    };
    let mean = answer_of(manifest.clone()).await.summary.mean;

    let called_abnormal = flagged(&manifest, |class| class == most_probable(&mean));
    let answer = answer_of(called_abnormal).await;
    assert_eq!(answer.decision.action, Action::Refer);
    assert_eq!(answer.decision.reasons, [Reason::Abnormal]);

    let called_normal = flagged(&manifest, |class| class == least_probable(&mean));
    let answer = answer_of(called_normal.clone()).await;
    assert_eq!(answer.decision.action, Action::Accept);
    assert!(answer.decision.reasons.is_empty());

    let entropy = answer.summary.abnormal.unwrap().entropy;
    assert_ne!(entropy, answer.summary.predictive_entropy);
    let auto_clear = "measure = \"abnormal_entropy\"\nthreshold = 10.0";
    assert!(called_normal.contains(auto_clear));
    for (threshold, action) in [
        (entropy, Action::Accept),
        (entropy.next_down(), Action::Refer),
    ] {
        let with = format!("measure = \"abnormal_entropy\"\nthreshold = {threshold:?}");
        let answer = answer_of(called_normal.replace(auto_clear, &with)).await;
        assert_eq!(answer.decision.action, action, "{threshold}");
    }
}

#[tokio::test]
async fn temperature_applies_before_averaging() {
    let directory = tempfile::tempdir().unwrap();
    tiny::trunk_and_heads(directory.path());
    let asked = RequestOptions {
        method: Some(Method::McDropout),
        ..RequestOptions::default()
    };
    let engine = start(directory.path(), EngineConfig::default()).unwrap();
    let before = predict(&engine, asked.clone(), image(1))
        .await
        .unwrap()
        .answer;
    let path = directory.path().join("bundle.toml");
    let manifest = fs::read_to_string(&path).unwrap();
    fs::write(&path, manifest + &calibration()).unwrap();
    let engine = start(directory.path(), EngineConfig::default()).unwrap();
    let after = predict(&engine, asked, image(1)).await.unwrap().answer;
    let classes = before.samples.classes();
    for (before, after) in before.samples.rows().zip(after.samples.rows()) {
        // p^(1/2), normalised: the effect of a temperature of 2 on a softmax.
        let roots: Vec<f64> = before.iter().map(|p| p.sqrt()).collect();
        let sum: f64 = roots.iter().sum();
        for class in 0..classes {
            assert!((after[class] - roots[class] / sum).abs() < 1e-6);
        }
    }
}
