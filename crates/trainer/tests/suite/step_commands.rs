//! The commands one by one: their results for the next command, and their refusals.

use std::fs;

use bundle::Bundle;

use super::{
    commands::{assert_refused, cut, path, succeed, train},
    tiny_data::{write_data, write_trunk},
};

#[test]
fn two_classes_are_trained_in_steps() {
    let folder = tempfile::tempdir().unwrap();
    let data = write_data(&folder.path().join("data"), 6);
    let trunk = write_trunk(&folder.path().join("trunk.onnx"));
    let (work, out) = (folder.path().join("work"), folder.path().join("two"));
    let heads = [
        "--work",
        path(&work),
        "--trunk",
        path(&trunk),
        "--num-classes",
        "2",
    ];
    let report = folder.path().join("report");
    let export = [
        "export",
        "--frozen-trunk",
        "--views",
        "4",
        "--policy",
        "dihedral",
        "--out",
        path(&out),
    ];
    let export = [&export[..], &heads[..]].concat();
    let evaluate = [
        "evaluate",
        "--frozen-trunk",
        "--out",
        path(&out),
        "--report",
        path(&report),
    ];

    assert_refused(
        &train(&["split", "--work", path(&work)]),
        "run `secondlook-train crop` first",
    );
    succeed(&cut(&data, &work));
    assert_refused(&train(&export), "run `secondlook-train split` first");
    succeed(&[
        "split",
        "--work",
        path(&work),
        "--folds",
        "2",
        "--test-share",
        "0.3",
    ]);
    assert_refused(
        &train(&export),
        "run `secondlook-train train --method baseline --num-classes 2` first",
    );
    for method in ["baseline", "mc_dropout", "ensemble"] {
        succeed(&[&["train", "--method", method], &heads[..]].concat());
    }
    succeed(&export);
    let evaluation = |extra: &[&str]| {
        succeed(&[&evaluate[..], &heads[..], extra].concat());
        fs::read(out.join("evaluation.json")).unwrap()
    };
    let of_the_bundle = evaluation(&[]);
    let told = evaluation(&["--views", "4", "--policy", "dihedral"]);
    assert!(
        of_the_bundle == told,
        "the bundle says which views are measured"
    );
    assert_refused(
        &train(&[&evaluate[..], &heads[..], &["--policy", "paper"]].concat()),
        "leave out --policy",
    );
    let manifest = Bundle::open(&out).unwrap().manifest().clone();
    let labels: Vec<(&str, bool)> = manifest
        .labels
        .iter()
        .map(|label| (label.name.as_str(), label.abnormal))
        .collect();
    assert_eq!(labels, [("normal", false), ("abnormal", true)]);
}

#[test]
fn unusable_cell_needs_leave_out() {
    let folder = tempfile::tempdir().unwrap();
    let data = write_data(&folder.path().join("data"), 2);
    let table = data.join("classifications.csv");
    let text = fs::read_to_string(&table).unwrap() + "0,0.png,doi,77,LSIL,900,50\n";
    fs::write(&table, text).unwrap();
    let work = folder.path().join("work");
    let order = cut(&data, &work);
    let refused = train(&order);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        said.contains("classifications.csv, line 14") && said.contains("--leave-out"),
        "{said}"
    );
    assert!(work.join("left_out.csv").is_file() && !work.join("crops.csv").exists());
    succeed(&[&order[..], &["--leave-out"]].concat());
    assert!(work.join("crops.csv").is_file());
}

#[test]
fn per_cell_split_makes_no_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let data = write_data(&folder.path().join("data"), 6);
    let trunk = write_trunk(&folder.path().join("trunk.onnx"));
    let (work, out) = (folder.path().join("work"), folder.path().join("out"));
    succeed(&cut(&data, &work));
    let division = ["--folds", "2", "--test-share", "0.25", "--per-cell"];
    succeed(&[&["split", "--work", path(&work)], &division[..]].concat());
    let places = [
        "--work",
        path(&work),
        "--trunk",
        path(&trunk),
        "--out",
        path(&out),
    ];
    let refused = train(&[&["export", "--frozen-trunk"], &places[..]].concat());
    assert_refused(&refused, "without --per-cell");
    let model = [
        "model",
        "--frozen-trunk",
        "--edge",
        "21",
        "--data",
        path(&data),
    ];
    let refused = train(&[&model[..], &places[..], &division[..]].concat());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("without --per-cell"), "{said}");
    assert!(!work.join("heads").exists(), "nothing was trained");
}

#[test]
fn impossible_commands_get_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let trunk = write_trunk(&folder.path().join("trunk.onnx"));
    let work = folder.path().join("work");
    let places = ["--work", path(&work), "--trunk", path(&trunk)];
    let order = |extra: &[&str]| train(&[&["train"], &places[..], extra].concat());
    assert_refused(&order(&["--method", "tta"]), "uses the baseline's head");
    assert_refused(
        &order(&["--method", "baseline", "--num-classes", "5"]),
        "run `secondlook-train crop` first",
    );
    let model =
        |rest: &[&str]| train(&[&["model", "--data", "/nowhere"], &places[..], rest].concat());
    let out = ["--report", path(&work), "--out"];
    assert_refused(
        &model(&[&out[..], &["models/My_Cells"]].concat()),
        "`My_Cells` is not a valid name",
    );
    let unlike = ["models/mine", "--unlike", "birds=/nowhere/birds"];
    assert_refused(&model(&[&out[..], &unlike].concat()), "/nowhere/birds");
    assert_refused(
        &train(&["crop", "--data", "/nowhere", "--work", path(&work)]),
        "no data set at /nowhere",
    );
}
