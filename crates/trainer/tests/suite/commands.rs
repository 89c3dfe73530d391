//! The program: one command makes a bundle, reproducibly, and every error is one sentence.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    sync::LazyLock,
};

use bundle::Bundle;
use engine::{EngineConfig, check_bundle};
use serde_json::Value;

use super::tiny_data::{write_data, write_trunk};
use testkit::runtime;

pub fn train(arguments: &[&str]) -> Output {
    Command::new(testkit::program("secondlook-train"))
        .current_dir(testkit::repository())
        .args(arguments)
        .output()
        .unwrap()
}

pub fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A folder with data, a trunk and the output of `model` in `first/`.
static TRAINED: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    write_data(&folder.path().join("data"), 8);
    write_trunk(&folder.path().join("trunk.onnx"));
    let said = model(folder.path(), "first");
    assert!(
        said.contains("normal vs abnormal: AUROC") && said.contains("test part"),
        "{said}"
    );
    folder
});

/// Runs `model` in a new folder and returns its output.
fn model(folder: &Path, run: &str) -> String {
    let (data, trunk) = (folder.join("data"), folder.join("trunk.onnx"));
    let [work, out, report] = ["work", "tiny", "report"].map(|name| folder.join(run).join(name));
    let places = [
        "--frozen-trunk",
        "--report",
        path(&report),
        "--data",
        path(&data),
        "--trunk",
        path(&trunk),
        "--work",
        path(&work),
        "--out",
        path(&out),
    ];
    let division = [
        "--edge",
        "21",
        "--folds",
        "2",
        "--test-share",
        "0.25",
        "--seed",
        "3",
    ];
    succeed(&[&["model"], &places[..], &division[..]].concat())
}

/// The options that cut the crops of the tiny data set.
pub fn cut<'a>(data: &'a Path, work: &'a Path) -> [&'a str; 7] {
    [
        "crop",
        "--data",
        path(data),
        "--work",
        path(work),
        "--edge",
        "21",
    ]
}

pub fn succeed(arguments: &[&str]) -> String {
    let output = train(arguments);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn model_makes_a_bundle_for_the_server() {
    let directory = TRAINED.path().join("first/tiny");
    let bundle = Bundle::open(&directory).unwrap();
    check_bundle(&EngineConfig::default(), runtime(), &bundle).unwrap();
    assert_eq!(bundle.manifest().name, "tiny");
    assert_eq!(bundle.manifest().training.seed, 3);
    assert_eq!(bundle.manifest().calibration.len(), 4);
    assert_eq!(bundle.manifest().input.crop_edge_px, 21);
    let card = fs::read_to_string(directory.join("MODEL_CARD.md")).unwrap();
    assert!(card.starts_with("# tiny") && !card.contains('{'));
}

#[test]
fn evaluation_covers_methods_and_parts() {
    let text = fs::read(TRAINED.path().join("first/tiny/evaluation.json")).unwrap();
    let evaluation: Value = serde_json::from_slice(&text).unwrap();
    let parts = evaluation["parts"].as_array().unwrap();
    for part in parts {
        let methods = part["methods"].as_array().unwrap();
        assert_eq!(methods.len(), 4);
        for method in methods {
            let auroc = method["questions"][1]["figures"]["auroc"]["value"].as_f64();
            assert!(
                auroc.unwrap() > 0.9,
                "{} tells colours apart: {auroc:?}",
                method["name"]
            );
        }
    }
    assert_eq!(parts[0]["name"], "out of fold");
    assert_eq!(parts[0]["cells"], 36);
    assert_eq!(parts[1]["images"], 2);
    let report = fs::read_to_string(TRAINED.path().join("first/report/report.html")).unwrap();
    assert!(report.contains("out of fold") && report.contains("A suggestion, not a diagnosis"));
}

#[test]
fn same_data_and_seed_give_same_bundle() {
    model(TRAINED.path(), "second");
    for file in [
        "trunk.onnx",
        "baseline.onnx",
        "mc_dropout.onnx",
        "ensemble.onnx",
        "bundle.toml",
        "evaluation.json",
    ] {
        let [first, second] = ["first", "second"]
            .map(|run| fs::read(TRAINED.path().join(run).join("tiny").join(file)).unwrap());
        assert!(first == second, "{file} differs between two runs");
    }
}

#[test]
fn card_beside_other_heads_is_refused() {
    let first = TRAINED.path().join("first");
    let (trunk, work) = (TRAINED.path().join("trunk.onnx"), first.join("work"));
    let other = TRAINED.path().join("other");
    std::fs::create_dir_all(&other).unwrap();
    for file in fs::read_dir(first.join("tiny")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), other.join(file.file_name())).unwrap();
    }
    for method in ["baseline", "mc_dropout", "ensemble"] {
        succeed(&[
            "train",
            "--method",
            method,
            "--work",
            path(&work),
            "--trunk",
            path(&trunk),
            "--seed",
            "4",
        ]);
    }
    let places = [
        "--work",
        path(&work),
        "--trunk",
        path(&trunk),
        "--out",
        path(&other),
        "--seed",
        "4",
    ];
    assert_refused(
        &train(&[&["evaluate", "--frozen-trunk"], &places[..]].concat()),
        "run `export` again",
    );
}

pub fn assert_refused(output: &Output, sentence: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(sentence), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
}
