//! Bundles that are served, and bundles that are refused with a clear error.

use std::{fs, path::Path};

use bundle::{
    Bundle, Method,
    onnx::{Axis, ModelProto, tensor_info},
    sha256_hex,
};
use engine::{Engine, EngineConfig, ExecutionProvider, RequestOptions, StartError, check_bundle};
use prost::Message;

use super::{image, predict, start};
use testkit::{runtime, tiny};

#[tokio::test]
async fn dropout_stays_active_in_one_graph() {
    let directory = tempfile::tempdir().unwrap();
    tiny::one_graph(directory.path(), true);
    let engine = start(directory.path(), EngineConfig::default()).unwrap();
    let asked = RequestOptions {
        method: Some(Method::McDropout),
        ..RequestOptions::default()
    };
    let answer = predict(&engine, asked, image(1)).await.unwrap().answer;
    assert_eq!(answer.samples.passes(), 20);
    assert!(
        answer.summary.mutual_information > 0.0,
        "the runtime's optimiser removed the Dropout nodes"
    );
}

#[test]
fn identical_passes_are_refused() {
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
fn missing_provider_is_an_error() {
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

/// A bundle whose trunk is rewritten by `change`.
fn with_another_trunk(change: impl FnOnce(&Path)) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    tiny::trunk_and_heads(directory.path());
    let trunk = directory.path().join("trunk.onnx");
    let digest = || sha256_hex(&fs::read(&trunk).unwrap());
    let before = digest();
    change(&trunk);
    tiny::change_manifest(directory.path(), &before, &digest());
    directory
}

#[test]
fn external_weights_are_refused() {
    let directory = with_another_trunk(|trunk| {
        let mut model = ModelProto::decode(&*fs::read(trunk).unwrap()).unwrap();
        let weights = &mut model.graph.as_mut().unwrap().initializer[0];
        weights.data_location = 1; // TensorProto.DataLocation.EXTERNAL
        fs::write(trunk, model.encode_to_vec()).unwrap();
    });
    let refusal = Bundle::open(directory.path()).unwrap_err().to_string();
    assert!(refusal.contains("external_data=False"), "{refusal}");
}

#[test]
fn check_refuses_what_the_server_refuses() {
    let directory = with_another_trunk(|trunk| {
        let of_one = |name, rest: &[Axis]| tensor_info(name, &[&[Axis::Fixed(1)], rest].concat());
        let edge = Axis::Fixed(tiny::SIZE);
        let image = of_one("image", &[Axis::Fixed(3), edge, edge]);
        let features = of_one("features", &[Axis::Fixed(tiny::FEATURES)]);
        let io = (vec![image], vec![features]);
        tiny::write(trunk, tiny::pooling("features"), vec![tiny::spread()], io);
    });
    let in_twos = EngineConfig {
        max_batch: 2,
        ..EngineConfig::default()
    };
    for (config, fits) in [(EngineConfig::default(), true), (in_twos, false)] {
        let bundle = Bundle::open(directory.path()).unwrap();
        let checked = check_bundle(&config, runtime(), &bundle);
        assert_eq!(checked.is_ok(), fits);
        let limits = imaging::Limits::default();
        let started = Engine::start(&config, limits, runtime(), vec![bundle]);
        assert_eq!(started.is_ok(), fits);
    }
}

/// Changes the manifest and returns the error of the check, or `ok`.
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
    let checked = check_bundle(&EngineConfig::default(), runtime(), &bundle);
    checked.map_or_else(|error| error.to_string(), |()| "ok".to_owned())
}

#[test]
fn manifest_errors_are_one_sentence() {
    assert_eq!(verdict_after("version = \"1\"", "version = \"2\""), "ok");
    for (replace, with, said) in [
        (
            "version = \"1\"",
            "verzion = \"1\"",
            "line 4: unknown key `verzion`",
        ),
        ("format = 1", "format = 3", "`format` is 3, expected 1 or 2"),
        (
            "crop_edge_px = 8",
            "crop_edge_px = 5000",
            "is 5000, expected 1 to 4096 pixels",
        ),
        ("name = \"tiny\"", "name = \"Tiny Model\"", "lower-case"),
        ("name = \"LSIL\"", "name = \"NILM\"", "found `NILM` twice"),
        (
            "    { name = \"HSIL\", abnormal = true },\n",
            "",
            "has the shape",
        ),
        ("trunk.onnx", "../trunk.onnx", "without a directory"),
        (
            "trunk.onnx",
            "missing.onnx",
            "cannot be read: there is no such file",
        ),
        ("sha256 = \"", "sha256 = \"0", "restore the file"),
        (
            "feature_count = 16",
            "feature_count = 17",
            "has the shape [-1, 16]",
        ),
        (
            "features = \"features\"",
            "features = \"pooled\"",
            "the graph has no output `pooled`: write one of its names (features)",
        ),
        (
            "input = \"mask\"",
            "input = \"masks\"",
            "the graph has no input `masks`",
        ),
        ("width = 16", "width = 8", "input `mask` has the shape"),
        ("members = 4", "members = 5", "has the shape [-1, 4, 3]"),
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
        ("size = 8", "size = 16", "has the shape [-1, 3, 8, 8]"),
        ("std = [128.0", "std = [0.0", "finite and above 0"),
    ] {
        let verdict = verdict_after(replace, with);
        assert!(verdict.contains(said), "`{with}` gave: {verdict}");
        assert!(!verdict.contains('\n'), "{verdict}");
    }
}

#[test]
fn file_other_than_onnx_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    tiny::trunk_and_heads(directory.path());
    let file = directory.path().join("baseline.onnx");
    let before = bundle::sha256_hex(&fs::read(&file).unwrap());
    fs::write(&file, b"no model").unwrap();
    let after = bundle::sha256_hex(b"no model");
    let path = directory.path().join("bundle.toml");
    fs::write(
        &path,
        fs::read_to_string(&path).unwrap().replace(&before, &after),
    )
    .unwrap();
    let refusal = Bundle::open(directory.path()).unwrap_err().to_string();
    assert!(refusal.contains("is not a usable ONNX model"), "{refusal}");
}
