//! A program that is not in a clone: where it finds its files, and what it says when they are
//! missing.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use super::{
    cli::{assert_one_clear_sentence, outcome, run},
    doctor::runtime_library,
};
use testkit::tiny;

/// A copy of the program at `path`, run in the folder `working` and without any environment.
fn copied(path: &Path, working: &Path) -> Command {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_secondlook"), path).unwrap();
    let mut command = Command::new(path);
    command.env_clear().current_dir(working);
    command
}

fn bundle(directory: &Path) {
    fs::create_dir_all(directory).unwrap();
    tiny::trunk_and_heads(directory);
}

fn runtime(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let library = runtime_library().canonicalize().unwrap();
    symlink(&library, folder.join(library.file_name().unwrap())).unwrap();
}

/// A package of the system, if one is installed here, is found where the tests expect nothing.
fn is_installed() -> bool {
    Path::new("/usr/lib/secondlook").exists() || Path::new("/usr/share/secondlook").exists()
}

#[test]
fn files_beside_the_program_are_found() {
    for program in ["secondlook", "bin/secondlook"] {
        let (root, working) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        bundle(&root.path().join("models/tiny"));
        runtime(&root.path().join("runtime"));
        fs::create_dir(root.path().join("config")).unwrap();
        let settings = "listen = \"127.0.0.1:0\"\n[access]\nopen = true\n";
        fs::write(root.path().join("config/secondlook.toml"), settings).unwrap();
        let mut doctor = copied(&root.path().join(program), working.path());
        let said = outcome(doctor.arg("doctor"));
        assert_eq!(said.code, Some(0), "{program}: {}", said.stdout);
        assert!(said.stdout.contains("tiny"), "{}", said.stdout);
        assert!(said.stdout.contains("127.0.0.1:0"), "{}", said.stdout);
    }
}

#[test]
fn working_directory_wins_over_program() {
    let (root, working) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    bundle(&root.path().join("models/beside"));
    runtime(&root.path().join("runtime"));
    let here = working.path().join("models/here");
    bundle(&here);
    tiny::change_manifest(&here, "name = \"tiny\"", "name = \"here\"");
    let arguments = ["doctor", "--listen", "127.0.0.1:0"];
    let said = outcome(copied(&root.path().join("secondlook"), working.path()).args(arguments));
    assert!(said.stdout.contains(" here "), "{}", said.stdout);
    // A folder without a bundle is passed over.
    fs::remove_dir_all(&here).unwrap();
    let said = outcome(copied(&root.path().join("secondlook"), working.path()).args(arguments));
    assert!(said.stdout.contains(" tiny "), "{}", said.stdout);
}

#[test]
fn missing_files_are_listed_with_places() {
    if is_installed() {
        return;
    }
    let (root, working) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let program = root.path().join("secondlook");
    let places = |name: &str| {
        [working.path(), root.path()].map(|folder| folder.join(name).display().to_string())
    };
    let without_runtime = outcome(copied(&program, working.path()).args(serve));
    for words in places("runtime") {
        assert_one_clear_sentence(&without_runtime, &words);
    }
    for words in ["/usr/lib/secondlook", "make runtime", "ORT_DYLIB_PATH"] {
        assert_one_clear_sentence(&without_runtime, words);
    }
    runtime(&root.path().join("runtime"));
    let without_bundle = outcome(copied(&program, working.path()).args(serve));
    for words in places("models") {
        assert_one_clear_sentence(&without_bundle, &words);
    }
    for words in ["/usr/share/secondlook/models", "make model", "--models"] {
        assert_one_clear_sentence(&without_bundle, words);
    }
}

#[test]
fn completions_and_manual_pages_are_made() {
    for shell in ["bash", "zsh", "fish"] {
        let made = run(&["completions", shell]);
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        assert!(made.stdout.contains("healthcheck"), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man");
    let made = run(&["man", pages.to_str().unwrap()]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let page = fs::read_to_string(pages.join("secondlook.1")).unwrap();
    assert!(page.contains("/usr/share/secondlook/models"), "{page}");
    assert!(pages.join("secondlook-serve.1").is_file());
}
