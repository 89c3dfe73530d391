//! The commands: their output and exit codes.

use std::process::{Command, Output};

use serde_json::Value;

use super::{
    predictions::lasting,
    server::{MODELS, Server, program},
};
use testkit::tiny;

pub struct CommandOutcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

pub fn outcome(command: &mut Command) -> CommandOutcome {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    CommandOutcome {
        code: status.code(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

pub fn run(arguments: &[&str]) -> CommandOutcome {
    outcome(program().args(arguments))
}

/// Phrases of the libraries that parse options, configuration, queries, JSON and CSV.
const LIBRARY_WORDS: [&str; 14] = [
    "invalid socket address",
    "invalid digit",
    "invalid type",
    "invalid value: ",
    "unknown variant",
    "unknown field",
    "missing field",
    "duplicate field",
    "expected one of `",
    "expected f64",
    "deserialize error",
    "Unknown(",
    "TOML parse error",
    "Invalid symbol",
];

/// Checks that a text for a client or an operator has no phrases of a library.
pub fn assert_no_library_words(text: &str) {
    for words in LIBRARY_WORDS {
        assert!(!text.contains(words), "`{words}`: {text}");
    }
}

/// One line on standard error, nothing on standard output, and exit code 2.
pub fn assert_one_clear_sentence(outcome: &CommandOutcome, about: &str) {
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "");
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    assert!(
        outcome.stderr.starts_with("secondlook: ") && outcome.stderr.contains(about),
        "{}",
        outcome.stderr
    );
}

#[test]
fn start_failures_are_one_line() {
    let serve = ["serve", "--listen", "127.0.0.1:0", "--models", MODELS];
    assert_one_clear_sentence(
        &outcome(program().args(serve).env("ORT_DYLIB_PATH", "absent.so")),
        "absent.so",
    );
    assert_one_clear_sentence(
        &outcome(program().args(serve).env("ORT_DYLIB_PATH", "Cargo.toml")),
        "Cargo.toml",
    );
    assert_one_clear_sentence(
        &outcome(
            program()
                .args(serve)
                .env("SECONDLOOK_LIMITS__MAX_PIXEL", "1"),
        ),
        "max_pixel",
    );
    assert_one_clear_sentence(
        &outcome(
            program()
                .args(serve)
                .env("SECONDLOOK_LOG__FILTER", "lo=ud=er"),
        ),
        "log.filter",
    );
    assert_one_clear_sentence(
        &outcome(
            program()
                .args(serve)
                .env("SECONDLOOK_MODELS__DEFAULT", "absent"),
        ),
        "absent",
    );
    assert_one_clear_sentence(&run(&["serve", "--config", "absent.toml"]), "absent.toml");
    assert_one_clear_sentence(
        &run(&["serve", "--listen", "127.0.0.1:0", "--models", "src"]),
        "src",
    );
    let cuda = outcome(program().args(serve).env(
        "SECONDLOOK_ENGINE__EXECUTION_PROVIDERS",
        r#"["cuda:0", "cpu"]"#,
    ));
    assert_one_clear_sentence(&cuda, "cuda:0");
}

#[test]
fn address_in_use_is_reported() {
    let server = Server::start();
    let second = run(&["serve", "--models", MODELS, "--listen", server.address()]);
    assert_one_clear_sentence(&second, server.address());
}

#[tokio::test(flavor = "multi_thread")]
async fn predict_equals_the_server() {
    let server = Server::start();
    for query in [
        "method=mc_dropout&compare=ensemble&seed=4",
        "method=tta&passes=5",
    ] {
        let served = lasting(server.answer(&format!("?{query}")).await);
        let options = query.split('&').map(|option| format!("--{option}"));
        let mut command = program();
        command
            .args([
                "predict",
                "tests/fixtures/imaging/crop00.png",
                "--models",
                MODELS,
            ])
            .args(options);
        let outcome = outcome(&mut command);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        let mut line: Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!(
            line.as_object_mut().unwrap().remove("file").unwrap(),
            "tests/fixtures/imaging/crop00.png"
        );
        assert_eq!(lasting(line), served);
    }
}

#[test]
fn folder_keeps_order_and_names_failures() {
    let folder = tempfile::tempdir().unwrap();
    for (name, cell) in [
        ("b.png", "crop01.png"),
        ("a.png", "crop00.png"),
        ("sub/c.png", "crop02.png"),
    ] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::copy(format!("tests/fixtures/imaging/{cell}"), path).unwrap();
    }
    std::fs::write(folder.path().join("broken.jpg"), "no image").unwrap();
    let root = folder.path().to_str().unwrap();
    let outcome = run(&["predict", root, "absent.png", "--models", MODELS]);
    assert_eq!(outcome.code, Some(1));
    let lines = outcome
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let files: Vec<String> = lines
        .map(|line| line["file"].as_str().unwrap().replace(root, ""))
        .collect();
    assert_eq!(files, ["/a.png", "/b.png", "/sub/c.png"]);
    let complaints: Vec<&str> = outcome.stderr.lines().collect();
    assert_eq!(complaints.len(), 2, "{}", outcome.stderr);
    assert!(complaints[0].contains("broken.jpg") && complaints[1].contains("absent.png"));
}

#[test]
fn table_format_has_all_columns() {
    let cell = "tests/fixtures/imaging/crop00.png";
    let outcome = run(&[
        "predict",
        cell,
        "--format",
        "table",
        "--compare",
        "ensemble",
        "--models",
        MODELS,
    ]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    for word in ["crop00.png", "baseline", "ensemble", "decision"] {
        assert!(outcome.stdout.contains(word), "{}", outcome.stdout);
    }
}

#[test]
fn impossible_options_are_one_line() {
    let cells = [
        "tests/fixtures/imaging/crop00.png",
        "tests/fixtures/imaging/crop01.png",
    ];
    let common = ["predict", cells[0], cells[1], "--models", MODELS];
    for (options, about) in [
        (["--passes", "3"], "passes"),
        (["--model", "absent"], "absent"),
        (["--policy", "wishful"], "wishful"),
    ] {
        assert_one_clear_sentence(&outcome(program().args(common).args(options)), about);
    }
    let refused: [(&[&str], &str); 5] = [
        (&["predict", cells[0], "--method", "guess"], "guess"),
        (&["predict", cells[0], "--passes", "many"], "a whole number"),
        (&["predict"], "<IMAGE>"),
        (&["serve", "--listen", "8080"], "such as 127.0.0.1:8080"),
        (&["serve", "--port", "8080"], "--port"),
    ];
    for (arguments, about) in refused {
        let outcome = run(arguments);
        assert_one_clear_sentence(&outcome, about);
        assert_no_library_words(&outcome.stderr);
    }
    assert_eq!(run(&[]).code, Some(2));
    let empty = tempfile::tempdir().unwrap();
    assert_one_clear_sentence(
        &run(&["predict", empty.path().to_str().unwrap()]),
        "no image",
    );
}

#[test]
fn bundle_check_passes_and_fails() {
    let bundle = std::fs::read_dir(MODELS)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let sound = run(&["bundles", "check", bundle.to_str().unwrap()]);
    assert_eq!(sound.code, Some(0), "{}", sound.stderr);
    assert!(sound.stdout.contains("is sound"), "{}", sound.stdout);
    let wrong = run(&["bundles", "check", "src"]);
    assert_eq!(
        (wrong.code, wrong.stderr.lines().count()),
        (Some(1), 1),
        "{}",
        wrong.stderr
    );
}

/// A bundle whose files are sound, and whose answers are not what its manifest says.
#[test]
fn logits_declared_as_probabilities_are_refused() {
    let models = tempfile::tempdir().unwrap();
    let directory = models.path().join("tiny");
    std::fs::create_dir(&directory).unwrap();
    tiny::trunk_and_heads(&directory);
    let (logits, probabilities) = ("scores = \"logits\"", "scores = \"probabilities\"");
    tiny::change_manifest(&directory, logits, probabilities);
    let said = "`methods.baseline.head.scores` is \"probabilities\"";
    let (models, directory) = (models.path().to_str().unwrap(), directory.to_str().unwrap());

    let checked = run(&["bundles", "check", directory]);
    assert_eq!((checked.code, checked.stdout.as_str()), (Some(1), ""));
    assert_eq!(checked.stderr.lines().count(), 1, "{}", checked.stderr);
    assert!(checked.stderr.contains(said), "{}", checked.stderr);
    let listen = ["--listen", "127.0.0.1:0", "--models", models];
    let doctor = run(&[&["doctor"], &listen[..]].concat());
    assert_eq!(doctor.code, Some(2));
    assert!(doctor.stdout.contains(said), "{}", doctor.stdout);
    assert_one_clear_sentence(&run(&[&["serve"], &listen[..]].concat()), said);
}

#[test]
fn printed_openapi_equals_the_file() {
    let printed = run(&["openapi"]);
    assert_eq!(printed.code, Some(0));
    assert!(
        printed.stdout == include_str!("../../openapi.yaml"),
        "openapi.yaml is out of date: run `make openapi`"
    );
}

#[test]
fn healthcheck_reports_ready_and_gone() {
    let server = Server::start();
    let ready = run(&["healthcheck", "--listen", server.address()]);
    assert_eq!((ready.code, ready.stderr.as_str()), (Some(0), ""));
    let address = server.address().to_owned();
    drop(server);
    let gone = run(&["healthcheck", "--listen", &address]);
    assert_eq!(
        (gone.code, gone.stderr.lines().count()),
        (Some(1), 1),
        "{}",
        gone.stderr
    );
}
