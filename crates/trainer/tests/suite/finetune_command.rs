//! The `finetune` command continues correctly after it is killed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use super::tiny_data::write_data;

fn command(folder: &Path, work: &str) -> Command {
    let mut command = Command::new(testkit::program("secondlook-train"));
    let work = folder.join(work);
    command
        .current_dir(testkit::repository())
        .arg("finetune")
        .args(["--trunk", "weights/efficientnet_lite0.onnx"])
        .args(["--frozen-blocks", "14", "--fold", "0"])
        .args(["--size", "32", "--num-epochs", "12", "--seed", "3"])
        .arg("--work")
        .arg(work);
    command
}

fn prepare(folder: &Path, work: &str) {
    let (data, work) = (folder.join("data"), folder.join(work));
    let run = |arguments: &[&str], path: Option<&Path>| {
        let mut command = Command::new(testkit::program("secondlook-train"));
        command.current_dir(testkit::repository());
        command.args(arguments).arg("--work").arg(&work);
        if let Some(path) = path {
            command.arg("--data").arg(path);
        }
        assert!(command.output().unwrap().status.success());
    };
    run(&["crop", "--edge", "21"], Some(&data));
    run(&["split", "--folds", "2", "--test-share", "0.2"], None);
}

#[test]
fn killed_training_resumes_to_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_data(&folder.join("data"), 6);
    for work in ["whole", "killed"] {
        prepare(folder, work);
    }
    let said = command(folder, "whole").output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(
        said.status.success(),
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );
    assert!(
        text.contains("fold 0 held out, mean loss of each epoch"),
        "{text}"
    );

    let trained = |work: &str| -> Option<PathBuf> {
        let folders = fs::read_dir(folder.join(work).join("fine_tuned")).ok()?;
        folders.map(|entry| entry.unwrap().path()).next()
    };
    let has = |file: &str| trained("killed").is_some_and(|folder| folder.join(file).is_file());
    let quiet = || Stdio::null();
    let mut child = command(folder, "killed")
        .stdout(quiet())
        .stderr(quiet())
        .spawn()
        .unwrap();
    while !has("checkpoint") {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended without a checkpoint"
        );
        thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    assert!(!has("trunk.onnx"));

    assert!(command(folder, "killed").output().unwrap().status.success());
    for file in [
        "trunk.onnx",
        "baseline.f32",
        "mc_dropout.f32",
        "ensemble.f32",
    ] {
        let [whole, killed] =
            ["whole", "killed"].map(|work| fs::read(trained(work).unwrap().join(file)).unwrap());
        assert!(whole == killed, "{file}");
    }
    assert!(
        !has("checkpoint"),
        "nothing is left of the state in between"
    );
}
