//! Every command line of `docs/FROM_THE_PAPER.md` runs. Its first block is the README of the
//! paper's code.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use bundle::{Bundle, onnx::Axis::Free};
use prost::Message;

use super::{
    resnet::{End, ResNet},
    tiny_data::write_data,
};
use testkit::runtime;

const PAGE: &str = include_str!("../../../../docs/FROM_THE_PAPER.md");
const PROGRAM: &str = "secondlook-train ";

/// The README of the paper's code, with `python X.py` replaced by our program and `…` for paths.
const READMES_LINES: [&str; 8] = [
    "cropping --dataset=… --img_dir=… --cell_img_dir=…",
    "train_val_test_split --dataset=…",
    "main --num_classes=2 --num_epochs=100 --img_dir=… --model='CustomResNet' --batch_size=256",
    "main --num_classes=2 --num_epochs=100 --img_dir=… --model='MC_Dropout_model' \
     --multi_head_loss='avg_across_all_heads_loss' --batch_size=256",
    "main --num_classes=2 --num_epochs=100 --img_dir=… --model='EnsembleModel_ResNet' \
     --multi_head_loss='meta_individual_multi_head_loss' --batch_size=256",
    "tta_transformations --start_idx=1 --end_idx=51 --img_dir=… --dataset=… --TTA_path=…",
    "join_tta_tensors --start_idx=1 --end_idx=11535 --TTA_path=…",
    "main --num_classes=2 --num_epochs=100 --img_dir=… --model='TTA_model' \
     --multi_head_loss='avg_across_all_heads_loss' --batch_size=32 --num_workers=4",
];

/// The options whose values are paths.
const PATHS: [&str; 4] = ["--dataset", "--img_dir", "--cell_img_dir", "--TTA_path"];

/// The commands of each fenced block for the shell, in their order.
fn blocks() -> Vec<Vec<&'static str>> {
    let fenced = PAGE.split("```").skip(1).step_by(2);
    let for_shell = fenced.filter_map(|block| block.strip_prefix("sh\n"));
    let commands = |block: &'static str| {
        let command = |line: &'static str| {
            let command = line.strip_prefix(PROGRAM);
            command.unwrap_or_else(|| panic!("not a command of ours: {line}"))
        };
        block.lines().map(command).collect()
    };
    for_shell.map(commands).collect()
}

/// A command with `…` for its paths.
fn without_paths(command: &str) -> String {
    let word = |word: &str| match word.split_once('=') {
        Some((option, _)) if PATHS.contains(&option) => format!("{option}=…"),
        _ => word.to_owned(),
    };
    let words: Vec<String> = command.split_whitespace().map(word).collect();
    words.join(" ")
}

/// The same command with less training: few epochs, heads and views, small pictures.
fn smaller(line: &str) -> String {
    let mut line = line
        .replace("--num_epochs 100", "--num_epochs 1")
        .replace("--num_epochs=100", "--num_epochs=1");
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

fn output(folder: &Path, line: &str) -> Output {
    // The shell takes the quotes away.
    let line = line.replace('\'', "");
    Command::new(testkit::program("secondlook-train"))
        .current_dir(folder)
        .env("ORT_DYLIB_PATH", runtime().library())
        .args(line.split_whitespace())
        .output()
        .unwrap()
}

/// Runs a command and returns what it printed.
fn run(folder: &Path, line: &str) -> String {
    let output = output(folder, line);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned() + &errors
}

/// A folder with a small data set and a ResNet.
fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_data(&folder.path().join("cric"), 20);
    let resnet = ResNet::small(End::Gemm, [Free("N"), Free("H"), Free("W")]).model();
    fs::write(folder.path().join("resnet50.onnx"), resnet.encode_to_vec()).unwrap();
    folder
}

/// A folder where the default trunk sees small pictures.
fn prepared_with_default_trunk() -> tempfile::TempDir {
    let folder = prepared();
    let weights = folder.path().join("weights");
    run(
        folder.path(),
        "trunk import resnet50.onnx --size 32 --out weights",
    );
    for extension in ["onnx", "toml"] {
        let trunk = weights.join("trunk").with_extension(extension);
        let named = weights.join("efficientnet_lite0").with_extension(extension);
        fs::rename(trunk, named).unwrap();
    }
    folder
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let names = entries.map(|entry| name(entry).into_string().unwrap());
    names.collect()
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
fn the_papers_own_lines_run() {
    let folder = prepared_with_default_trunk();
    let folder = folder.path();
    let blocks = blocks();
    let lines = &blocks[0];
    let shapes: Vec<String> = lines.iter().map(|line| without_paths(line)).collect();
    assert_eq!(shapes, READMES_LINES);
    for line in lines {
        let said = run(folder, &smaller(line));
        assert!(said.contains("different from the paper's script"), "{said}");
        assert!(said.contains("work/paper"), "{said}");
    }
    assert_eq!(names_in(&folder.join("cells")).len(), 120);
    let views = names_in(&folder.join("tta/0"));
    assert!(views.contains(&"view_00.png".to_owned()), "{views:?}");
    assert!(views.contains(&"view_49.png".to_owned()), "{views:?}");
    assert!(!views.contains(&"view_50.png".to_owned()), "{views:?}");
    let tensors = names_in(&folder.join("tta/joined_tensor"));
    let tensors = tensors.iter().filter(|name| name.ends_with(".npy"));
    assert_eq!(tensors.count(), 120);

    let said = run(folder, blocks[1][0]);
    assert!(
        said.contains("4 models") && said.contains("AUC ≤ 0.3"),
        "{said}"
    );
    let report = folder.join("work/paper/report");
    has_figures_and_table(&report);
    let page = fs::read_to_string(report.join("paper.md")).unwrap();
    // Two parts; three figures of each model but CustomResNet, which has no variance.
    assert_eq!(page.matches("![").count(), 2 * (3 * 3 + 2), "{page}");
}

#[test]
fn wrong_folders_and_ranges_are_refused() {
    let folder = prepared_with_default_trunk();
    let folder = folder.path();
    let refused = |line: &str, sentence: &str| {
        let output = output(folder, line);
        super::commands::assert_refused(&output, sentence);
    };
    refused("main --img_dir=cells", "run `secondlook-train cropping");
    refused("paper-report", "run `secondlook-train main");
    run(
        folder,
        "cropping --dataset=cric/classifications.csv --img_dir=cric/fields --cell_img_dir=cells",
    );
    refused(
        "main --img_dir=cells",
        "run `secondlook-train train_val_test_split",
    );
    refused("main --img_dir=cric", "is not the folder of the crops");
    refused(
        "tta_transformations --start_idx=5 --end_idx=5",
        "is an empty range",
    );
    refused(
        "join_tta_tensors",
        "run `secondlook-train tta_transformations`",
    );
    refused(
        "main --trunk=nowhere.onnx",
        "there is no trunk at nowhere.onnx",
    );
    fs::write(folder.join("labels.csv"), "path,label\n0.png,1\n").unwrap();
    refused(
        "train_val_test_split --dataset=labels.csv",
        "does not name cell 1",
    );
}

#[test]
fn every_other_line_of_the_page_runs() {
    let folder = prepared();
    let folder = folder.path();
    let lines = blocks().split_off(2).concat();
    assert!(lines.len() >= 15, "{lines:?}");
    let mut said = String::new();
    for line in &lines {
        said += &run(folder, &smaller(line));
    }
    assert!(said.contains("warning"), "a division by cell leaks: {said}");
    let bundle = Bundle::open(&folder.join("models/paper")).unwrap();
    let tta = bundle.manifest().methods.tta.as_ref().unwrap();
    assert!(tta.head.is_some());
    has_figures_and_table(&folder.join("work/resnet/report"));
    let names = names_in(&folder.join("work/resnet/augmented"));
    let files: Vec<&String> = names.iter().filter(|name| name.contains('.')).collect();
    assert_eq!(files.len(), 8, "four cells, two formats: {files:?}");
}

#[test]
fn the_page_uses_every_model_and_loss() {
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
        let lines = blocks().concat();
        let used = lines
            .iter()
            .any(|line| line.split_whitespace().any(|word| word == name));
        assert!(used, "{name}");
    }
}
