//! A bundle with a fine-tuned trunk: one command makes it, reproducibly.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output},
};

use bundle::Bundle;
use engine::{EngineConfig, check_bundle};

use super::tiny_data::write_data;
use testkit::runtime;

const SETTINGS: &str = "--trunk weights/efficientnet_lite0.onnx --size 32 --frozen-blocks 14 \
                        --num-epochs 1 --members 3 --views 4 --seed 3";

/// Undoes the wrapping of the card's prose.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn run(folder: &Path, work: &str, command: &str) -> Output {
    run_with(folder, work, command, SETTINGS)
}

fn run_with(folder: &Path, work: &str, command: &str, settings: &str) -> Output {
    let work = folder.join(work);
    let output = Command::new(testkit::program("secondlook-train"))
        .current_dir(testkit::repository())
        .args(command.split_whitespace())
        .args(settings.split_whitespace())
        .arg("--work")
        .arg(work)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {said}");
    output
}

fn model(folder: &Path, name: &str) {
    let data = folder.join("data");
    let command = format!(
        "model --edge 21 --folds 2 --test-share 0.25 --data {} --out {} --report {}",
        data.display(),
        folder.join(name).join("tiny").display(),
        folder.join(name).join("report").display(),
    );
    run(folder, &format!("{name}/work"), &command);
}

#[test]
fn fine_tuned_bundle_is_reproducible() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_data(&folder.join("data"), 8);
    model(folder, "first");
    model(folder, "second");
    for file in [
        "trunk.onnx",
        "baseline.onnx",
        "mc_dropout.onnx",
        "ensemble.onnx",
        "out_of_distribution.json",
        "bundle.toml",
        "evaluation.json",
    ] {
        let read = |run: &str| fs::read(folder.join(run).join("tiny").join(file)).unwrap();
        assert!(read("first") == read("second"), "{file} differs");
    }
    for file in ["report.html", "report.json", "figures.csv", "cells.csv"] {
        assert!(folder.join("first/report").join(file).is_file(), "{file}");
    }
    let bundle = Bundle::open(&folder.join("first/tiny")).unwrap();
    check_bundle(&EngineConfig::default(), runtime(), &bundle).unwrap();
    // The cells of both folds train, calibrate and fit the out-of-distribution score.
    let cells = bundle.manifest().training.cells;
    let usual = bundle.out_of_distribution().unwrap();
    assert_eq!(usual.calibration_scores.len(), cells);
    let card = fs::read_to_string(folder.join("first/tiny/MODEL_CARD.md")).unwrap();
    assert!(
        one_line(&card).contains("a layer that training did not change"),
        "{card}"
    );
    let calibration = bundle.manifest().calibration.values();
    for policy in calibration.flat_map(|calibration| &calibration.policies) {
        // Six images and some cells certify nothing, and the manifest says so.
        assert_eq!(policy.threshold, None, "{}", policy.name);
        assert!(policy.certificate.is_some(), "{}", policy.name);
    }

    let table = |output: Output| String::from_utf8(output.stdout).unwrap();
    let first = "cross-validate --folds 2 --test-share 0.25 --seeds 3,4";
    let said = table(run(folder, "first/work", first));
    assert!(
        said.contains("seed 3, baseline") && said.contains("seed 4, tta"),
        "{said}"
    );
    assert!(
        !said.contains("test part:"),
        "the test part is not looked at"
    );
    let tested = |work: &str| -> BTreeSet<String> {
        let split = fs::read_to_string(folder.join(work).join("split.csv")).unwrap();
        let test = split.lines().filter(|line| line.ends_with(",test"));
        test.map(str::to_owned).collect()
    };
    // Seed 3 is the work folder's own.
    let own = tested("first/work");
    assert!(!own.is_empty());
    assert_eq!(tested("first/work/seed_4"), own);
    let again = table(run(folder, "first/work", first));
    assert_eq!(
        again.matches("mean loss of each epoch []").count(),
        4,
        "nothing is trained twice: {again}"
    );

    let experiment = "experiment-guarantee --draws 20 --unseen-mistaken 0.1";
    let said = table(run(folder, "first/work", experiment));
    assert!(
        said.contains("accept_error_2_classes_5") && said.contains("cells of all folds"),
        "{said}"
    );
}

#[test]
fn fully_trained_trunk_uses_fold_models() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_data(&folder.join("data"), 6);
    let model = format!(
        "model --edge 21 --folds 2 --data {} --out {} --report {}",
        folder.join("data").display(),
        folder.join("tiny").display(),
        folder.join("report").display()
    );
    let settings = SETTINGS.replace("--frozen-blocks 14", "--frozen-blocks 0");
    run_with(folder, "work", &model, &settings);
    let card = fs::read_to_string(folder.join("tiny/MODEL_CARD.md")).unwrap();
    assert!(
        one_line(&card).contains("a layer that training changed"),
        "{card}"
    );
    let bundle = Bundle::open(&folder.join("tiny")).unwrap();
    let usual = bundle.out_of_distribution().unwrap();
    assert_eq!(usual.calibration_scores.len(), 36);
}
