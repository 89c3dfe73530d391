//! Which bundles are served and which are refused, and in what words.

use std::fs;

use secondlook::{
    bundle::{Bundle, Method},
    config::{EngineConfig, ExecutionProvider},
    engine::{PredictRequest, StartError, check_bundle},
};

use super::{request, runtime, start, tiny};

#[tokio::test]
async fn dropout_nodes_stay_active_in_one_graph() {
    let directory = tempfile::tempdir().unwrap();
    tiny::one_graph(directory.path(), true);
    let engine = start(directory.path(), EngineConfig::default()).unwrap();
    let asked = PredictRequest {
        method: Some(Method::McDropout),
        ..request(1)
    };
    let answer = engine.predict(asked).await.unwrap().answer;
    assert_eq!(answer.samples.passes(), 20);
    assert!(
        answer.summary.mutual_information > 0.0,
        "the runtime's optimiser removed the Dropout nodes"
    );
}

#[test]
fn a_bundle_whose_two_passes_agree_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    tiny::one_graph(directory.path(), false);
    let refusal = start(directory.path(), EngineConfig::default())
        .err()
        .unwrap();
    assert!(
        matches!(refusal, StartError::NotStochastic { .. }),
        "{refusal}"
    );
}

#[test]
fn a_provider_that_does_not_load_is_an_error_and_no_fall_back() {
    let directory = tempfile::tempdir().unwrap();
    tiny::trunk_and_heads(directory.path());
    let execution_providers = vec![ExecutionProvider::Cuda(0), ExecutionProvider::Cpu];
    let config = EngineConfig {
        execution_providers,
        ..EngineConfig::default()
    };
    let refusal = start(directory.path(), config).err().unwrap().to_string();
    assert!(
        refusal.contains("execution provider `cuda:0` did not load"),
        "{refusal}"
    );
    assert!(!refusal.contains('\n'), "{refusal}");
}

/// Changes the manifest and returns what the check says, or `ok`.
fn verdict_after(replace: &str, with: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    tiny::trunk_and_heads(directory.path());
    let path = directory.path().join("bundle.toml");
    let manifest = fs::read_to_string(&path).unwrap();
    assert!(
        manifest.contains(replace),
        "the manifest has no `{replace}`:\n{manifest}"
    );
    fs::write(&path, manifest.replacen(replace, with, 1)).unwrap();
    let bundle = match Bundle::open(directory.path()) {
        Ok(bundle) => bundle,
        Err(error) => return error.to_string(),
    };
    let checked = check_bundle(&EngineConfig::default(), &runtime(), &bundle);
    checked.map_or_else(|error| error.to_string(), |()| "ok".to_owned())
}

#[test]
fn whatever_is_wrong_with_a_bundle_is_said_in_one_sentence() {
    assert_eq!(verdict_after("version = \"1\"", "version = \"2\""), "ok");
    for (replace, with, said) in [
        (
            "version = \"1\"",
            "verzion = \"1\"",
            "unknown field `verzion`",
        ),
        ("format = 1", "format = 2", "`format` must be 1"),
        ("name = \"tiny\"", "name = \"Tiny Model\"", "lower-case"),
        (
            "name = \"LSIL\"",
            "name = \"NILM\"",
            "different from the others",
        ),
        (
            "    { name = \"HSIL\", abnormal = true },\n",
            "",
            "has shape",
        ),
        ("trunk.onnx", "../trunk.onnx", "without a directory"),
        ("trunk.onnx", "missing.onnx", "cannot be read"),
        ("sha256 = \"", "sha256 = \"0", "restore the file"),
        (
            "feature_count = 16",
            "feature_count = 17",
            "has shape [-1, 16]",
        ),
        (
            "features = \"features\"",
            "features = \"pooled\"",
            "it has no output `pooled`: it has features",
        ),
        (
            "input = \"mask\"",
            "input = \"masks\"",
            "it has no input `masks`",
        ),
        ("width = 16", "width = 8", "input `mask` has shape"),
        ("members = 4", "members = 5", "has shape [-1, 4, 3]"),
        (
            "drop_probability = 0.5",
            "drop_probability = 1.5",
            "in [0, 1)",
        ),
        (
            "drop_probability = 0.5",
            "drop_probability = 0.0",
            "came out identical",
        ),
        ("passes = 50", "passes = 0", "1 to 10000"),
        ("size = 8", "size = 16", "has shape [-1, 3, 8, 8]"),
        ("std = [128.0", "std = [0.0", "finite and above 0"),
    ] {
        let verdict = verdict_after(replace, with);
        assert!(verdict.contains(said), "`{with}` gave: {verdict}");
        assert!(!verdict.contains('\n'), "{verdict}");
    }
}

#[test]
fn a_file_that_is_no_onnx_model_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    tiny::trunk_and_heads(directory.path());
    let file = directory.path().join("baseline.onnx");
    let before = secondlook::bundle::sha256_hex(&fs::read(&file).unwrap());
    fs::write(&file, b"no model").unwrap();
    let after = secondlook::bundle::sha256_hex(b"no model");
    let path = directory.path().join("bundle.toml");
    fs::write(
        &path,
        fs::read_to_string(&path).unwrap().replace(&before, &after),
    )
    .unwrap();
    let refusal = Bundle::open(directory.path()).unwrap_err().to_string();
    assert!(refusal.contains("is not a usable ONNX model"), "{refusal}");
}
