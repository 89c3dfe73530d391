//! Cross-fitting: every image trains and calibrates a bundle's model.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output},
};

use bundle::Bundle;
use serde_json::Value;

use super::tiny_data::{write_data, write_trunk};

const DATA: &str = "--edge 21 --folds 3 --data data";
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

/// The bundle that `model` writes with more options.
fn bundle(folder: &Path, options: &str) -> Bundle {
    let line = format!("model {DATA} {HEADS} --out tiny --report report {options}");
    let output = train(folder, &line);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {said}");
    Bundle::open(&folder.join("tiny")).unwrap()
}

/// The revision of the program, which runs in a folder outside any repository.
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

/// The images of the test part in `split.csv`.
fn test_images(folder: &Path) -> usize {
    let table = fs::read_to_string(folder.join("work/split.csv")).unwrap();
    let test = table.lines().filter(|line| line.ends_with(",test"));
    let images = test.map(|line| line.split(',').nth(1).unwrap().to_owned());
    images.collect::<BTreeSet<_>>().len()
}

fn assert_refused(output: &Output, sentence: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(sentence), "{said}");
}

#[test]
fn nested_folds_are_unseen() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_data(&folder.join("data"), 10);
    write_trunk(&folder.join("trunk.onnx"));
    bundle(folder, "");
    let output = train(folder, &format!("nested {HEADS} --out nested.json"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let heads: BTreeSet<String> = fs::read_dir(folder.join("work/heads"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("ensemble") && name.ends_with(".f32"))
        .map(|name| name.split("_classes_").nth(1).unwrap().to_owned())
        .map(|name| name.rsplit_once('_').unwrap().0.to_owned())
        .collect();
    // One model for each pair of folds calibrates, one for each fold answers, and one is the
    // bundle's.
    let expected = [
        "all_folds",
        "without_fold_0",
        "without_fold_1",
        "without_fold_2",
        "without_folds_0_1",
        "without_folds_0_2",
        "without_folds_1_2",
    ];
    assert_eq!(heads.into_iter().collect::<Vec<_>>(), expected);
    let report = fs::read(folder.join("nested.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(
        (&report["cells"], &report["images"]),
        (&60.into(), &10.into())
    );
    let baseline = &report["methods"]["baseline"];
    assert_eq!(baseline["policies"][0]["name"], "default");
    assert_eq!(
        baseline["answering"]["auroc_of_models"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(
        baseline["calibrating"]["auroc_of_models"]
            .as_array()
            .unwrap()
            .len(),
        6
    );
    for sets in baseline["sets"].as_array().unwrap() {
        let classes = sets["coverage"].as_array().unwrap().iter();
        let cells: u64 = classes.map(|class| class["cells"].as_u64().unwrap()).sum();
        assert_eq!(cells, 60, "{sets}");
    }
    let tables = String::from_utf8_lossy(&output.stdout);
    assert!(
        tables.contains("prediction sets at 90%, by cell"),
        "{tables}"
    );
}

#[test]
fn nested_evaluation_needs_three_folds() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_data(&folder.join("data"), 6);
    write_trunk(&folder.join("trunk.onnx"));
    let cut = "crop --edge 21 --data data --work work";
    let divide = "split --folds 2 --work work --seed 3";
    for command in [cut, divide] {
        assert!(train(folder, command).status.success(), "{command}");
    }
    assert_refused(
        &train(folder, &format!("nested {HEADS}")),
        "2 folds are too few",
    );
}

#[test]
fn all_images_but_test_train_and_calibrate() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_data(&folder.join("data"), 10);
    write_trunk(&folder.join("trunk.onnx"));
    for (options, parts) in [
        ("", &["out of fold"][..]),
        ("--test-share 0.2", &["out of fold", "test part"]),
    ] {
        let bundle = bundle(folder, options);
        let test = test_images(folder);
        assert_eq!(test > 0, parts.len() > 1);
        let manifest = bundle.manifest();
        let commit = &manifest.training.commit;
        assert!(commit.starts_with(&revision()), "{commit}");
        let training = &manifest.training;
        assert_eq!(
            (training.images, training.cells),
            (10 - test, 6 * (10 - test))
        );
        for calibration in manifest.calibration.values() {
            assert_eq!(calibration.images, training.images);
            assert_eq!(calibration.cells, training.cells);
        }
        let evaluation = fs::read(folder.join("tiny/evaluation.json")).unwrap();
        let evaluation: Value = serde_json::from_slice(&evaluation).unwrap();
        let named = |of: &Value| of["name"].as_str().unwrap().to_owned();
        let evaluated = evaluation["parts"].as_array().unwrap().iter().map(named);
        assert_eq!(evaluated.collect::<Vec<_>>(), parts);
        let policies = evaluation["policies"].as_array().unwrap();
        let of_parts: BTreeSet<&str> = policies
            .iter()
            .map(|policy| policy["part"].as_str().unwrap())
            .collect();
        assert_eq!(of_parts.into_iter().collect::<Vec<_>>(), parts);
        let card = fs::read_to_string(folder.join("tiny/MODEL_CARD.md")).unwrap();
        assert_eq!(card.contains("### Test part"), parts.len() > 1);
        for sentence in ["3 sibling models", "CalibratedClassifierCV(ensemble=False)"] {
            assert!(card.contains(sentence), "{card}");
        }
    }

    let experiment = format!("experiment-guarantee {HEADS} --draws 20");
    let said = train(folder, &experiment);
    let said = String::from_utf8_lossy(&said.stdout);
    assert!(said.contains("cells of all folds"), "{said}");
    assert!(
        said.contains("default policy of baseline, chosen on each draw"),
        "{said}"
    );

    let some = format!("cross-validate --folds 3 {HEADS} --only-folds");
    let said = train(folder, &format!("{some} 0,2"));
    let table = String::from_utf8_lossy(&said.stdout);
    assert!(table.contains("seed 3, baseline"), "{table}");
    assert_refused(&train(folder, &format!("{some} 1")), "at least two");
    assert_refused(
        &train(folder, &format!("{some} 1,7")),
        "fold 7 holds no cells",
    );
}
