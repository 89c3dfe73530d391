//! `bundles quantise` on the default bundle.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{
    cli::{CommandOutcome, assert_one_clear_sentence, outcome, run},
    predictions::lasting,
    server::{MODELS, Server, program},
};

const BUNDLE: &str = "models/cric-lite0";
pub const CELLS: &str = "examples/cells";

/// A new bundle in a directory of models, and the report on it.
pub struct Made {
    models: TempDir,
    report: Value,
}

impl Made {
    pub fn directory(&self) -> PathBuf {
        self.models.path().join("cric-lite0")
    }

    pub fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.directory().join(file)).unwrap()
    }
}

pub fn quantise(out: &Path, options: &[&str]) -> CommandOutcome {
    let common = [
        "bundles",
        "quantise",
        BUNDLE,
        "--out",
        out.to_str().unwrap(),
    ];
    run(&[&common, options].concat())
}

/// Quantises with ranges from test cells and compares answers on other cells.
pub fn made(precision: &str) -> Made {
    let models = tempfile::tempdir().unwrap();
    let out = models.path().join("cric-lite0");
    let crops: Vec<String> = (0..10)
        .map(|number| format!("tests/fixtures/imaging/crop{number:02}.png"))
        .collect();
    let mut options = vec!["--precision", precision, "--images"];
    options.extend(crops.iter().map(String::as_str));
    options.extend(["--compare-on", CELLS]);
    let outcome = quantise(&out, &options);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(
        outcome.stdout.contains("equal decisions"),
        "{}",
        outcome.stdout
    );
    let reports: Value =
        serde_json::from_slice(&fs::read(out.join("quantisation.json")).unwrap()).unwrap();
    Made {
        models,
        report: reports[precision].clone(),
    }
}

fn assert_agrees(report: &Value, least_equal_labels: f64, largest_difference: f64) {
    assert_eq!(report["images"], 6);
    assert_eq!(report["same_images"], false);
    for method in ["baseline", "mc_dropout", "ensemble", "tta"] {
        let of = &report["methods"][method];
        assert_eq!(of["images"], 6, "{of}");
        let equal_labels = of["equal_labels"].as_f64().unwrap();
        assert!(equal_labels >= least_equal_labels, "{method}: {of}");
        let difference = of["largest_difference"].as_f64().unwrap();
        assert!(
            difference > 0.0 && difference < largest_difference,
            "{method}: {of}"
        );
        assert_eq!(
            of["labelled"], 0,
            "no label has the name of the cells' folder"
        );
    }
    // The part of the trunk that the statistics depend on is unchanged.
    assert_eq!(report["out_of_distribution"]["largest_difference"], 0.0);
}

fn assert_sound(made: &Made) {
    let checked = run(&["bundles", "check", made.directory().to_str().unwrap()]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    let original = fs::metadata("models/cric-lite0/trunk.onnx").unwrap().len();
    assert_eq!(made.report["bytes"]["float32"], original);
    assert!(made.report["bytes"]["quantised"].as_u64().unwrap() < original * 6 / 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn int8_trunk_answers_nearly_alike() {
    let made = made("int8");
    assert_sound(&made);
    assert_agrees(&made.report, 0.6, 0.15);

    let original = Server::of(made.models.path(), &[]);
    let integers = Server::of(made.models.path(), &[("ENGINE__TRUNK_PRECISION", "int8")]);
    let query = "?method=mc_dropout&seed=3";
    let [float32, int8] = [original.answer(query).await, integers.answer(query).await];
    assert_eq!(float32["ood"], int8["ood"]);
    assert_ne!(float32["probabilities"], int8["probabilities"]);
    let [before, after] =
        [&float32, &int8].map(|of| of["prediction"]["probability"].as_f64().unwrap());
    assert!((before - after).abs() < 0.15, "{before} {after}");
    // By default the trunk in 32-bit floats answers.
    let mut untouched = Server::start().answer(query).await;
    untouched["model"] = float32["model"].clone();
    assert_eq!(lasting(float32), lasting(untouched));

    // With integers, too, an answer does not depend on the batch.
    let answers = ["1", "8"].map(|batch| {
        let cell = "tests/fixtures/imaging/crop00.png";
        let models = made.models.path().to_str().unwrap();
        let arguments = [
            "predict",
            cell,
            "--models",
            models,
            "--method",
            "tta",
            "--samples",
        ];
        let mut command = program();
        command
            .args(arguments)
            .env("SECONDLOOK_ENGINE__TRUNK_PRECISION", "int8");
        command
            .env("SECONDLOOK_ENGINE__MAX_BATCH", batch)
            .env("SECONDLOOK_ENGINE__WORKERS", "1");
        lasting(serde_json::from_str(&outcome(&mut command).stdout).unwrap())
    });
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn float16_trunk_answers_alike() {
    let made = made("float16");
    assert_sound(&made);
    assert_agrees(&made.report, 1.0, 0.01);
}

#[test]
fn quantising_is_repeatable_and_adds_trunks() {
    let folder = tempfile::tempdir().unwrap();
    let options = ["--images", CELLS, "--method", "baseline"];
    let outs = ["a", "b"].map(|name| folder.path().join(name));
    for out in &outs {
        assert_eq!(quantise(out, &options).code, Some(0));
    }
    for file in ["trunk.int8.onnx", "bundle.toml"] {
        let [first, second] = outs.each_ref().map(|out| fs::read(out.join(file)).unwrap());
        assert_eq!(first, second, "{file}");
    }

    let both = folder.path().join("both");
    let [first, _] = outs;
    let arguments = [
        "bundles",
        "quantise",
        first.to_str().unwrap(),
        "--precision",
        "float16",
    ];
    let out = ["--out", both.to_str().unwrap()];
    let outcome = run(&[&arguments, &out[..], &options].concat());
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let manifest: toml::Table =
        toml::from_str(&fs::read_to_string(both.join("bundle.toml")).unwrap()).unwrap();
    let variants = manifest["trunk"]["variants"].as_table().unwrap();
    assert_eq!(variants.keys().collect::<Vec<_>>(), ["float16", "int8"]);
    let reports: Value =
        serde_json::from_slice(&fs::read(both.join("quantisation.json")).unwrap()).unwrap();
    assert_eq!(reports.as_object().unwrap().len(), 2);
    assert_eq!(
        run(&["bundles", "check", both.to_str().unwrap()]).code,
        Some(0)
    );
}

#[test]
fn labels_give_an_accuracy() {
    let folder = tempfile::tempdir().unwrap();
    let cell = |name: &str| format!("{CELLS}/{name}.png");
    let named = folder.path().join("cells/HSIL");
    fs::create_dir_all(&named).unwrap();
    fs::copy(cell("hsil"), named.join("one.png")).unwrap();
    let report = |out: &str, options: &[&str]| {
        let out = folder.path().join(out);
        let outcome = quantise(&out, &[options, &["--method", "baseline"]].concat());
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        let bytes = fs::read(out.join("quantisation.json")).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()["int8"]["methods"]["baseline"].clone()
    };
    let of_folder = report(
        "a",
        &["--images", folder.path().join("cells").to_str().unwrap()],
    );
    assert_eq!(of_folder["labelled"], 1);
    assert!(
        of_folder["accuracy"]["quantised"].is_number(),
        "{of_folder}"
    );

    let answer = run(&["predict", &cell("hsil"), "--models", MODELS]).stdout;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let answered = answer["prediction"]["label"].as_str().unwrap();
    let other = if answered == "NILM" { "SCC" } else { "NILM" };
    let table = folder.path().join("labels.csv");
    let labels = ["--images", CELLS, "--labels", table.to_str().unwrap()];
    for (label, accuracy) in [(answered, 1.0), (other, 0.0)] {
        fs::write(&table, format!("cell,label,file\n1,{label},hsil.png\n")).unwrap();
        let of_table = report(label, &labels);
        assert_eq!(of_table["labelled"], 1);
        assert_eq!(of_table["accuracy"]["float32"], accuracy, "{of_table}");
    }

    fs::write(&table, "file,label\nhsil.png,HISL\n").unwrap();
    let out = folder.path().join("c");
    assert_one_clear_sentence(&quantise(&out, &labels), "HISL");
}
