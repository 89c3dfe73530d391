//! How many folds calibrate the model of a bundle, and what that leaves to learn from.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output},
};

use bundle::Bundle;

use super::tiny_data::{write_data, write_trunk};

const DATA: &str = "--edge 21 --folds 4 --test-share 0.2 --data data";
const HEADS: &str =
    "--trunk trunk.onnx --frozen-trunk --num-epochs 1 --members 2 --views 2 --work work --seed 3";

fn train(folder: &Path, command: &str) -> Output {
    Command::new(testkit::program("secondlook-train"))
        .current_dir(folder)
        .env("ORT_DYLIB_PATH", testkit::runtime().library())
        .args(command.split_whitespace())
        .output()
        .unwrap()
}

/// The bundle that `model` writes with further options.
fn bundle(folder: &Path, options: &str) -> Bundle {
    let line = format!("model {DATA} {HEADS} --out tiny --report report {options}");
    let output = train(folder, &line);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {said}");
    Bundle::open(&folder.join("tiny")).unwrap()
}

/// The revision of the program, which runs in a folder that is in no repository.
fn revision() -> String {
    let program = Command::new("git")
        .args(["rev-parse", "HEAD"])
        .current_dir(testkit::repository())
        .output();
    let head = program.ok().filter(|output| output.status.success());
    head.map_or("unknown".to_owned(), |output| {
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    })
}

/// The images of some folds, as `split.csv` has them.
fn images_of(folder: &Path, folds: &[&str]) -> usize {
    let table = fs::read_to_string(folder.join("work/split.csv")).unwrap();
    let rows = table
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>());
    let chosen = rows.filter(|row| row.last().is_some_and(|part| folds.contains(part)));
    chosen
        .map(|row| row[1].to_owned())
        .collect::<BTreeSet<_>>()
        .len()
}

fn assert_refused(output: &Output, sentence: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(sentence), "{said}");
}

#[test]
fn two_of_four_folds_calibrate_unless_another_number_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_data(&folder.join("data"), 10);
    write_trunk(&folder.join("trunk.onnx"));
    for (options, calibrating, learnt_from) in [
        ("", &["fold_0", "fold_1"][..], &["fold_2", "fold_3"][..]),
        (
            "--calibration-folds 1",
            &["fold_0"],
            &["fold_1", "fold_2", "fold_3"],
        ),
    ] {
        let bundle = bundle(folder, options);
        let manifest = bundle.manifest();
        assert_eq!(manifest.training.images, images_of(folder, learnt_from));
        let commit = &manifest.training.commit;
        assert!(commit.starts_with(&revision()), "{commit}");
        for calibration in manifest.calibration.values() {
            assert_eq!(calibration.images, images_of(folder, calibrating));
        }
    }
    let card = fs::read_to_string(folder.join("tiny/MODEL_CARD.md")).unwrap();
    assert!(card.contains("(fold 0 of the split)"), "{card}");
    assert!(
        card.contains("4 models that are not in this bundle"),
        "{card}"
    );

    for folds in ["0", "4"] {
        let line = format!("export {HEADS} --out other --calibration-folds {folds}");
        assert_refused(&train(folder, &line), "fewer than there are folds");
    }

    let some = format!("cross-validate --folds 4 --test-share 0.2 {HEADS} --only-folds");
    let said = train(folder, &format!("{some} 0,2"));
    let table = String::from_utf8_lossy(&said.stdout);
    assert!(table.contains("seed 3, baseline"), "{table}");
    assert_refused(&train(folder, &format!("{some} 1")), "two or more");
    assert_refused(
        &train(folder, &format!("{some} 1,7")),
        "fold 7 holds no cells",
    );
}
