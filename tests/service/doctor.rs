//! `secondlook doctor` names what is wrong and says what to do.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::Command,
};

use serde_json::Value;

use super::server::{MODELS, Server, program};
use testkit::tiny;

/// The findings that are problems, as `check: text`.
fn problems(command: &mut Command) -> Vec<String> {
    let output = command.arg("--json").output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let report: Value = serde_json::from_str(&stdout).unwrap_or_else(|error| {
        panic!(
            "{error}: {stdout}{}",
            String::from_utf8_lossy(&output.stderr)
        )
    });
    let findings = report["findings"].as_array().unwrap();
    let problems: Vec<_> = findings
        .iter()
        .filter(|finding| finding["status"] == "problem")
        .map(|finding| {
            format!(
                "{}: {}",
                finding["check"].as_str().unwrap(),
                finding["says"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(report["ok"], problems.is_empty(), "{stdout}");
    assert_eq!(
        output.status.code(),
        Some(if problems.is_empty() { 0 } else { 2 })
    );
    problems
}

fn doctor(models: &Path) -> Command {
    let mut command = program();
    command
        .args(["doctor", "--listen", "127.0.0.1:0", "--models"])
        .arg(models);
    command
}

/// One small, sound bundle.
fn sound() -> tempfile::TempDir {
    let models = tempfile::tempdir().unwrap();
    write_bundle(&models.path().join("tiny"));
    models
}

fn write_bundle(directory: &Path) {
    fs::create_dir(directory).unwrap();
    tiny::trunk_and_heads(directory);
}

/// Checks that there is exactly one problem, of this check, with these texts.
fn assert_named(command: &mut Command, check: &str, words: &[&str]) {
    let problems = problems(command);
    let [problem] = problems.as_slice() else {
        panic!("expected one problem of `{check}`: {problems:?}");
    };
    assert!(problem.starts_with(&format!("{check}: ")), "{problem}");
    for word in words {
        assert!(problem.contains(word), "`{word}`: {problem}");
    }
    assert!(!problem.contains('\n'), "{problem}");
}

#[test]
fn doctor_passes_with_default_bundles() {
    let output = doctor(Path::new(MODELS)).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    for check in [
        "configuration",
        "access",
        "address",
        "cores",
        "runtime",
        "provider",
        "bundle",
    ] {
        let line = text.lines().find(|line| line.contains(check));
        assert!(
            line.is_some_and(|line| line.starts_with("ok")),
            "{check}: {text}"
        );
    }
    assert!(
        text.contains("cric-lite0 2, sha256 ") && text.contains("libonnxruntime"),
        "{text}"
    );
}

#[test]
fn doctor_names_configuration_faults() {
    let models = sound();
    assert_named(
        doctor(models.path()).env("SECONDLOOK_LIMITS__MAX_PIXEL", "5"),
        "configuration",
        &["max_pixel"],
    );
    assert_named(
        doctor(models.path()).env("SECONDLOOK_LOG__FILTER", "lo=ud=er"),
        "configuration",
        &["log.filter"],
    );
    let exposed = ["doctor", "--listen", "0.0.0.0:0", "--models"];
    assert_named(
        program().args(exposed).arg(models.path()),
        "access",
        &["access.open", "keys new"],
    );
    assert_named(
        doctor(models.path()).env("SECONDLOOK_MODELS__DEFAULT", "absent"),
        "models",
        &["absent"],
    );
}

#[test]
fn doctor_names_machine_faults() {
    let models = sound();
    assert_named(
        doctor(models.path()).env("ORT_DYLIB_PATH", "absent.so"),
        "runtime",
        &["absent.so", "make runtime"],
    );
    assert_named(
        doctor(models.path()).env("ORT_DYLIB_PATH", "Cargo.toml"),
        "runtime",
        &["Cargo.toml"],
    );
    let cuda = r#"["cuda:0", "cpu"]"#;
    assert_named(
        doctor(models.path()).env("SECONDLOOK_ENGINE__EXECUTION_PROVIDERS", cuda),
        "provider",
        &["cuda:0"],
    );
    let pixels = "1000000000000";
    assert_named(
        doctor(models.path()).env("SECONDLOOK_LIMITS__MAX_PIXELS", pixels),
        "memory",
        &["limits.max_pixels", "MiB"],
    );

    let server = Server::of(models.path(), &[]);
    let taken = ["doctor", "--listen", server.address(), "--models"];
    assert_named(
        program().args(taken).arg(models.path()),
        "address",
        &[server.address(), "--listen"],
    );

    let mut few_files = Command::new("sh");
    few_files.args([
        "-c",
        "ulimit -n 64; exec \"$0\" \"$@\"",
        env!("CARGO_BIN_EXE_secondlook"),
    ]);
    few_files
        .args(["doctor", "--listen", "127.0.0.1:0", "--models"])
        .arg(models.path());
    assert_named(&mut few_files, "open files", &["64", "ulimit"]);
}

/// Only a machine with more than eight cores can tell this from one worker per core.
#[test]
fn doctor_counts_workers_of_a_gpu() {
    let models = sound();
    let cuda = r#"["cuda:0", "cpu"]"#;
    let output = doctor(models.path())
        .env("SECONDLOOK_ENGINE__EXECUTION_PROVIDERS", cuda)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let cores = std::thread::available_parallelism().unwrap().get();
    let expected = format!("{cores} cores for {} workers", cores.min(8));
    assert!(said.contains(&expected), "`{expected}`: {said}");
}

#[test]
fn doctor_notes_limits_above_memory() {
    let models = sound();
    let bytes = "1000000000000000";
    let output = doctor(models.path())
        .env("SECONDLOOK_LIMITS__MAX_WAITING_BYTES", bytes)
        .output()
        .unwrap();
    assert!(output.status.success(), "a note is not a failure");
    let said = String::from_utf8(output.stdout).unwrap();
    let mut lines = said.lines();
    let line = lines.find(|line| line.contains("memory")).unwrap();
    assert!(line.starts_with("note"), "{line}");
    assert!(line.contains("limits.max_waiting_bytes"), "{line}");
}

#[test]
fn doctor_names_model_faults() {
    let empty = tempfile::tempdir().unwrap();
    assert_named(&mut doctor(empty.path()), "models", &["holds no bundle"]);
    let damaged = sound();
    fs::write(damaged.path().join("tiny/trunk.onnx"), "not what it was").unwrap();
    assert_named(
        &mut doctor(damaged.path()),
        "bundle",
        &["trunk.onnx", "sha256"],
    );
    let twins = sound();
    write_bundle(&twins.path().join("twin"));
    assert_named(&mut doctor(twins.path()), "models", &["tiny"]);
}

/// Root can read every file, so the doctor runs as another user.
#[test]
fn doctor_names_unreadable_files() {
    let models = sound();
    let set =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    set(&models.path().join("tiny/trunk.onnx"), 0o000);
    set(models.path(), 0o755);
    let mut command = doctor(models.path());
    let is_root = fs::metadata("/proc/self")
        .map(|process| std::os::unix::fs::MetadataExt::uid(&process))
        .unwrap()
        == 0;
    let copies = tempfile::tempdir().unwrap();
    if is_root {
        // The build folder may not be readable for other users.
        set(copies.path(), 0o755);
        let copy = copies.path().join("secondlook");
        fs::copy(env!("CARGO_BIN_EXE_secondlook"), &copy).unwrap();
        let library = copies.path().join("libonnxruntime.so");
        fs::copy(runtime_library(), &library).unwrap();
        command = Command::new(copy);
        command
            .env_clear()
            .env("ORT_DYLIB_PATH", library)
            .current_dir("/")
            .uid(65534)
            .gid(65534);
        command
            .args(["doctor", "--listen", "127.0.0.1:0", "--models"])
            .arg(models.path());
    }
    let user = if is_root { "65534" } else { "id " };
    assert_named(&mut command, "bundle", &["trunk.onnx", user]);
}

/// The library that the other tests use.
pub fn runtime_library() -> std::path::PathBuf {
    if let Some(path) = std::env::var_os("ORT_DYLIB_PATH") {
        return path.into();
    }
    let entries = fs::read_dir("runtime")
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let is_library = |path: &std::path::PathBuf| path.to_string_lossy().contains("libonnxruntime.");
    entries.filter(is_library).max().unwrap()
}
