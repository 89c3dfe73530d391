//! Every command line of `docs/FROM_THE_PAPER.md` runs, so that the page cannot rot.

use std::{fs, path::Path, process::Command};

use bundle::{Bundle, onnx::Axis::Free};
use prost::Message;

use super::{
    resnet::{End, ResNet},
    tiny_data::write_data,
};
use testkit::runtime;

const PAGE: &str = include_str!("../../../../docs/FROM_THE_PAPER.md");
const PROGRAM: &str = "secondlook-train ";

/// The lines within fenced blocks for the shell, in their order.
fn command_lines() -> Vec<&'static str> {
    let blocks = PAGE.split("```").skip(1).step_by(2);
    let for_shell = blocks.filter_map(|block| block.strip_prefix("sh\n"));
    for_shell.flat_map(str::lines).collect()
}

/// The same order with less training: few epochs, heads and views, small pictures.
fn smaller(line: &str) -> String {
    let mut line = line.replace("--num_epochs 100", "--num_epochs 1");
    if line.contains("--preset paper") {
        line += " --members 2 --views 2";
    }
    if line.starts_with("augment") {
        line += " --views 3";
    }
    if line.starts_with("trunk import") {
        line += " --size 64";
    }
    line
}

fn run(folder: &Path, line: &str) -> String {
    let output = Command::new(testkit::program("secondlook-train"))
        .current_dir(folder)
        .env("ORT_DYLIB_PATH", runtime().library())
        .args(line.split_whitespace())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{line}: {said}");
    said
}

/// The report has the paper's three figures, and its table with the AUC under its true name.
fn has_figures_and_table(report: &Path) {
    let plots = fs::read_dir(report.join("plots")).unwrap();
    let names: Vec<String> = plots
        .map(|plot| plot.unwrap().file_name().into_string().unwrap())
        .collect();
    for measure in ["variance", "entropy", "sample-mean"] {
        let drawn = |name: &String| name.contains("-ranges-") && name.contains(measure);
        assert!(names.iter().any(drawn), "{measure}: {names:?}");
    }
    let figures = fs::read_to_string(report.join("figures.csv")).unwrap();
    for threshold in ["0.3", "0.6", "0.9"] {
        for side in ["below", "above"] {
            let figure = format!("kept_{side}_{threshold}.mean_of_ppv_and_npv");
            assert!(figures.contains(&figure), "{figure}");
        }
    }
}

#[test]
fn every_command_line_of_the_page_runs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_data(&folder.join("cric"), 20);
    let resnet = ResNet::small(End::Gemm, [Free("N"), Free("H"), Free("W")]).model();
    fs::write(folder.join("resnet50.onnx"), resnet.encode_to_vec()).unwrap();

    let lines = command_lines();
    assert!(lines.len() >= 15, "{lines:?}");
    let mut said = String::new();
    for line in lines {
        let order = line.strip_prefix(PROGRAM);
        let order = order.unwrap_or_else(|| panic!("not a command of ours: {line}"));
        said += &run(folder, &smaller(order));
    }
    assert!(said.contains("warning"), "a division by cell leaks: {said}");
    let bundle = Bundle::open(&folder.join("models/paper")).unwrap();
    assert!(
        bundle
            .manifest()
            .methods
            .tta
            .as_ref()
            .unwrap()
            .head
            .is_some()
    );
    has_figures_and_table(&folder.join("work/paper/report"));
    let tensors = fs::read_dir(folder.join("work/paper/augmented")).unwrap();
    let names = tensors.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files: Vec<String> = names.filter(|name| name.contains('.')).collect();
    assert_eq!(
        files.len(),
        8,
        "four cells as .npy and as .safetensors: {files:?}"
    );
}

#[test]
fn the_page_names_every_model_and_loss_of_the_paper() {
    for name in [
        "CustomResNet",
        "MC_Dropout_model",
        "EnsembleModel_ResNet",
        "TTA_model",
        "avg_across_all_heads",
        "individual",
        "combined",
        "meta_individual",
        "meta_combined",
    ] {
        let used = command_lines().iter().any(|line| {
            let mut words = line.split_whitespace();
            words.any(|word| word == name)
        });
        assert!(used, "{name}");
    }
}
