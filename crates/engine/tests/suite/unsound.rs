//! Bundles whose graphs run, but whose outputs are not usable. The check and the start refuse them.

use std::{fs, io::Write, path::Path};

use bundle::{
    Bundle, Method,
    onnx::{NodeProto, TensorProto, float_tensor, node},
};
use engine::{EngineConfig, EngineError, RequestOptions, RunError, check_bundle};
use uncertainty::SamplesError;

use super::{image, start};
use testkit::{
    runtime, tiny,
    unlike_bundle::{replace_model, with_out_of_distribution},
};

const SHARED: &str = "../shared/cases/bundles";

/// The error of the check, which must be that of the start, too; or `ok`.
fn verdict(directory: &Path) -> String {
    let bundle = Bundle::open(directory).unwrap();
    let checked = check_bundle(&EngineConfig::default(), runtime(), &bundle);
    let checked = checked.map_or_else(|error| error.to_string(), |()| "ok".to_owned());
    let started = start(directory, EngineConfig::default());
    let started = started.map_or_else(|error| error.to_string(), |_| "ok".to_owned());
    assert_eq!(checked, started);
    assert!(!checked.contains('\n'), "{checked}");
    checked
}

fn assert_says(directory: &Path, words: &[&str]) {
    let verdict = verdict(directory);
    for word in words {
        assert!(verdict.contains(word), "`{word}`: {verdict}");
    }
}

/// A bundle with trunk and heads, and a separate head for test-time augmentation.
fn with_every_head() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    tiny::trunk_and_heads(directory.path());
    tiny::give_views_a_head(directory.path());
    directory
}

/// A bundle with one graph with active dropout: T copies of the image, or T samples in the graph.
fn without_trunk(in_graph: bool) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    match in_graph {
        true => tiny::samples_in_graph(directory.path()),
        false => tiny::one_graph(directory.path(), true),
    }
    directory
}

#[test]
fn nan_scores_are_refused_in_every_layout() {
    let class = [1.0, 1.0, f32::NAN];
    // Only the last member is wrong.
    let mut member = vec![1.0; 12];
    member[10] = f32::INFINITY;
    for (directory, file, factors, said) in [
        (with_every_head(), "baseline.onnx", &class[..], "`HSIL`"),
        (with_every_head(), "mc_dropout.onnx", &class, "`HSIL`"),
        (with_every_head(), "ensemble.onnx", &member, "`LSIL`"),
        (with_every_head(), "tta.onnx", &class, "`HSIL`"),
        (without_trunk(false), "graph.onnx", &class, "`HSIL`"),
        (without_trunk(true), "graph.onnx", &class, "`HSIL`"),
    ] {
        assert_eq!(verdict(directory.path()), "ok", "{file}");
        let classes = tiny::CLASSES;
        let rows = i64::try_from(factors.len()).unwrap() / classes;
        let dims: &[i64] = if rows == 1 {
            &[classes]
        } else {
            &[rows, classes]
        };
        let factors = float_tensor("factors", dims, factors);
        tiny::end_in(directory.path(), file, "logits", "Mul", factors);
        let what = [
            "bundle `tiny`",
            file,
            "output `logits` must be finite",
            said,
        ];
        assert_says(directory.path(), &what);
    }
}

/// A graph: the mean colour of the normalised image, minus `colour`; then `more` nodes; then three
/// scores.
fn of_mean_colour(colour: f32, more: &[NodeProto]) -> (Vec<NodeProto>, Vec<TensorProto>) {
    let mut nodes = vec![
        node("GlobalAveragePool", &["image"], "pooled"),
        node("Flatten", &["pooled"], "mean"),
        node("Sub", &["mean", "colour"], "difference"),
    ];
    nodes.extend_from_slice(more);
    nodes.push(node("Mul", &["made", "factors"], "logits"));
    let constants = vec![
        float_tensor("colour", &[], &[colour]),
        float_tensor("factors", &[3], &[1.0, 2.0, -1.0]),
    ];
    (nodes, constants)
}

/// The normalised value of a byte in the small bundles.
fn of_byte(byte: u8) -> f32 {
    (f32::from(byte) - 127.0) / 128.0
}

#[test]
fn overflow_on_single_images_is_refused() {
    let logarithm = [node("Log", &["difference"], "made")];
    let inverse = [node("Reciprocal", &["difference"], "made")];
    for (byte, nodes, said) in [
        (0, &logarithm, "`NILM` for a black image is infinite"),
        (128, &inverse, "`NILM` for a grey image is infinite"),
        (255, &inverse, "`NILM` for a white image is infinite"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let (nodes, constants) = of_mean_colour(of_byte(byte), nodes);
        tiny::baseline_alone(directory.path(), nodes, constants);
        assert_says(directory.path(), &["graph.onnx", said, "export it again"]);
    }
}

#[tokio::test]
async fn nan_scores_fail_only_their_request() {
    let rare = 200;
    let inverse = [node("Reciprocal", &["difference"], "made")];
    let directory = tempfile::tempdir().unwrap();
    let (nodes, constants) = of_mean_colour(of_byte(rare), &inverse);
    tiny::baseline_alone(directory.path(), nodes, constants);
    let engine = start(directory.path(), EngineConfig::default()).unwrap();
    let mut png = std::io::Cursor::new(Vec::new());
    let flat = image::RgbImage::from_pixel(8, 8, image::Rgb([rare; 3]));
    flat.write_to(&mut png, image::ImageFormat::Png).unwrap();
    let plan = engine.plan(RequestOptions::default()).unwrap();
    let refusal = engine.predict(&plan, png.into_inner().into()).await;
    let refusal = refusal.unwrap_err();
    let EngineError::Runtime(RunError::Samples(SamplesError::NotFinite { .. })) = refusal else {
        panic!("{refusal:?}");
    };
    let answered = engine.predict(&plan, image(1)).await.unwrap();
    assert_eq!(answered.answer.method, Method::Baseline);
}

#[test]
fn nan_features_and_statistics_are_refused() {
    let directory = with_every_head();
    let factors = float_tensor("factors", &[], &[f32::INFINITY]);
    tiny::end_in(directory.path(), "trunk.onnx", "features", "Mul", factors);
    let what = ["trunk.onnx", "output `features` must be finite"];
    assert_says(directory.path(), &what);

    let directory = tempfile::tempdir().unwrap();
    with_out_of_distribution(directory.path());
    assert_eq!(verdict(directory.path()), "ok");
    let factors = float_tensor("factors", &[6], &[1.0, 1.0, 1.0, 1.0, f32::NAN, 1.0]);
    tiny::end_in(directory.path(), "trunk.onnx", "statistics", "Mul", factors);
    let what = [
        "trunk.onnx",
        "output `statistics` must be finite",
        "value 4 (counted from 0) of an image of noise is NaN",
    ];
    assert_says(directory.path(), &what);
}

#[test]
fn infinite_distance_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    with_out_of_distribution(directory.path());
    let rows: Vec<String> = (0..6).map(|row| "0,".repeat(row) + "1e-200").collect();
    let model = format!(
        "{{\"gaussian\":{{\"mean\":[0,0,0,0,0,0],\"factor\":[[{}]]}},\"calibration_scores\":[1]}}",
        rows.join("],[")
    );
    replace_model(directory.path(), &model);
    let what = [
        "out_of_distribution.json",
        "must be finite",
        "fit the file again",
    ];
    assert_says(directory.path(), &what);
}

#[test]
fn logits_as_probabilities_are_refused() {
    for (file, method) in [
        ("baseline.onnx", Method::Baseline),
        ("mc_dropout.onnx", Method::McDropout),
        ("ensemble.onnx", Method::Ensemble),
        ("tta.onnx", Method::Tta),
    ] {
        let directory = with_every_head();
        declare_probabilities(directory.path(), file);
        let key = format!("`methods.{method}.head.scores` is \"probabilities\"");
        let what = [file, &key, "sums to", "write `scores = \"logits\"`"];
        assert_says(directory.path(), &what);
    }
}

/// Declares the scores of the head in this file as probabilities.
fn declare_probabilities(directory: &Path, file: &str) {
    let manifest = fs::read_to_string(directory.join("bundle.toml")).unwrap();
    let line = manifest.lines().find(|line| line.contains(file)).unwrap();
    let changed = line.replace("scores = \"logits\"", "scores = \"probabilities\"");
    assert_ne!(line, changed);
    tiny::change_manifest(directory, line, &changed);
}

#[test]
fn scores_must_sum_to_one() {
    let of = |operation: &str| {
        let directory = tempfile::tempdir().unwrap();
        let identity = [node("Identity", &["difference"], "made")];
        let (mut nodes, constants) = of_mean_colour(0.1, &identity);
        nodes.pop();
        nodes.push(node("Mul", &["made", "factors"], "scores"));
        nodes.push(node(operation, &["scores"], "logits"));
        tiny::baseline_alone(directory.path(), nodes, constants);
        declare_probabilities(directory.path(), "graph.onnx");
        directory
    };
    let what = [
        "`methods.baseline.head.scores`",
        "end the graph with a softmax over the classes",
    ];
    assert_says(of("Sigmoid").path(), &what);
    assert_eq!(verdict(of("Softmax").path()), "ok");
}

#[test]
fn too_small_temperature_is_refused() {
    for method in [Method::Baseline, Method::Tta] {
        let directory = tempfile::tempdir().unwrap();
        tiny::trunk_and_heads(directory.path());
        let path = directory.path().join("bundle.toml");
        let section =
            format!("\n[calibration.{method}]\ntemperature = 1e-320\ncells = 1\nimages = 1\n");
        fs::write(&path, fs::read_to_string(&path).unwrap() + &section).unwrap();
        let key = format!("`calibration.{method}.temperature` is 1e-320");
        assert_says(directory.path(), &["bundle.toml", &key]);
    }
}

#[test]
fn overflowing_normalisation_is_refused() {
    let directory = with_every_head();
    tiny::change_manifest(directory.path(), "scale = 1.0", "scale = 1e38");
    assert_says(directory.path(), &["bundle.toml", "`input.normalisation`"]);
}

#[test]
fn shared_unsound_bundles_are_refused() {
    if !testkit::path(SHARED).is_dir() {
        // The test harness captures `eprintln!`.
        let message =
            format!("SKIPPED: {SHARED} does not exist: its unsound bundles were not checked\n");
        std::io::stderr().write_all(message.as_bytes()).unwrap();
        return;
    }
    for (name, said) in [
        ("b-nan", "output `logits` must be finite"),
        ("b-inf", "output `logits` must be finite"),
        (
            "b-lp",
            "`methods.baseline.head.scores` is \"probabilities\"",
        ),
    ] {
        let what = [name, "model.onnx", said];
        assert_says(&testkit::path(SHARED).join(name), &what);
    }
}
