//! The same question has the same answer under the same id, on every server.

use std::{collections::BTreeSet, fs, process::Stdio};

use reqwest::{
    RequestBuilder,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

use super::server::{CELL, Server, answer, fixture, program};
use testkit::tiny;

/// An answer without the request's id and the durations.
fn but_for_the_request(mut answer: Value) -> String {
    for name in ["request_id", "timing_ms"] {
        answer.as_object_mut().unwrap().remove(name).unwrap();
    }
    answer.to_string()
}

async fn id_of(request: RequestBuilder) -> String {
    let answer = answer(request).await;
    answer["id"].as_str().unwrap().to_owned()
}

fn form() -> Form {
    Form::new().part("image", Part::bytes(fixture(CELL)).file_name("cell.png"))
}

#[tokio::test]
async fn same_question_has_same_answer() {
    let (one, other) = (Server::start(), Server::start());
    let query = "?method=tta&compare=mc_dropout&include=samples";
    let ask = |server: &Server| answer(server.predict(query, fixture(CELL)));
    let first = ask(&one).await;
    let id = first["id"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 26, "clients may have room for a ULID");
    let first = but_for_the_request(first);
    assert_eq!(first, but_for_the_request(ask(&one).await));
    assert_eq!(first, but_for_the_request(ask(&other).await));

    let with_key = one.predict(query, fixture(CELL));
    let with_key = with_key.header("Idempotency-Key", "no visible ASCII: ä");
    assert_eq!(first, but_for_the_request(answer(with_key).await));
    let as_form = one.post(&format!("/v1/predictions{query}"));
    assert_eq!(id, id_of(as_form.multipart(form())).await);
    let of_batch = one.post(&format!("/v1/predictions:batch{query}"));
    let of_batch = answer(of_batch.multipart(form())).await;
    assert_eq!(of_batch["items"][0]["prediction"]["id"], id);
    let output = program()
        .args([
            "predict",
            "--method",
            "tta",
            "--compare",
            "mc_dropout",
            "--samples",
        ])
        .arg(format!("tests/fixtures/{CELL}"))
        .stderr(Stdio::null())
        .output();
    let of_command: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    assert_eq!(of_command["id"], id);
}

#[tokio::test]
async fn every_parameter_changes_the_id() {
    let server = Server::start();
    let ask = |query: &str| id_of(server.predict(query, fixture(CELL)));
    let first = ask("?method=mc_dropout").await;
    let mut ids = BTreeSet::from([first.clone()]);
    for query in [
        "?method=tta",
        "?method=tta&exact=true",
        "?method=tta&exact=true&include=views",
        "?method=tta&passes=20",
        "?method=mc_dropout&compare=tta",
        "?method=mc_dropout&passes=20",
        "?method=mc_dropout&seed=1",
        "?method=mc_dropout&policy=accept_error_2_classes_10",
        "?method=mc_dropout&include=samples",
        "?method=mc_dropout&accession=S-1",
        "?method=mc_dropout&accession=S-2",
    ] {
        assert!(ids.insert(ask(query).await), "{query}");
    }
    let other = server.predict("?method=mc_dropout", fixture("imaging/crop01.png"));
    assert!(ids.insert(id_of(other).await), "another image");
    for query in ["&include=timing", "&priority=bulk"] {
        let same = ask(&format!("?method=mc_dropout{query}")).await;
        assert_eq!(first, same, "{query} changes nothing of the answer");
    }
}

/// The graph draws its masks itself, so no seed repeats an answer.
#[tokio::test]
async fn unrepeatable_answers_have_unique_ids() {
    let models = tempfile::tempdir().unwrap();
    let directory = models.path().join("tiny");
    fs::create_dir(&directory).unwrap();
    tiny::one_graph(&directory, true);
    let server = Server::of(models.path(), &[]);
    let ask = || id_of(server.predict("?method=mc_dropout&seed=1", fixture(CELL)));
    assert_ne!(ask().await, ask().await);
}

#[tokio::test]
async fn nucleus_scale_and_bundle_change_the_id() {
    let models = tempfile::tempdir().unwrap();
    for name in ["one", "two"] {
        let directory = models.path().join(name);
        fs::create_dir(&directory).unwrap();
        tiny::trunk_and_heads(&directory);
        tiny::change_manifest(&directory, "name = \"tiny\"", &format!("name = \"{name}\""));
    }
    let server = Server::of(models.path(), &[]);
    let ask = |query: &str| id_of(server.predict(query, fixture(CELL)));
    assert_ne!(ask("?model=one").await, ask("?model=two").await);

    let server = Server::start();
    let nuclei = json!([{"x": 40, "y": 40}, {"x": 41, "y": 40}, {"id": "a", "x": 40, "y": 40}]);
    let ask = async |query: &str| {
        let form = form().text("nuclei", nuclei.to_string());
        let request = server.post(&format!("/v1/fields?method=baseline{query}"));
        let cells = answer(request.multipart(form)).await["cells"].clone();
        [0, 1, 2].map(|index| {
            cells[index]["prediction"]["id"]
                .as_str()
                .unwrap()
                .to_owned()
        })
    };
    let ids = ask("").await;
    assert_ne!(ids[0], ids[1]);
    assert_eq!(ids[0], ids[2], "a name changes nothing of the answer");
    assert_eq!(ids, ask("").await);
    assert_ne!(ids, ask("&source_width_px=1000").await);
    let whole = server.predict("?method=baseline", fixture(CELL));
    assert!(!ids.contains(&id_of(whole).await));
}

#[tokio::test]
async fn idempotency_section_gives_a_warning() {
    let warns = |server: &Server| {
        let log = server.log();
        log.lines()
            .any(|line| line.contains("WARN") && line.contains("[idempotency]"))
    };
    assert!(!warns(&Server::start()));
    let of_variable = Server::with(&[("IDEMPOTENCY__MAX_ENTRIES", "2")]);
    assert!(warns(&of_variable));
    let file = tempfile::NamedTempFile::new().unwrap();
    let section =
        "[idempotency]\nkeep_seconds = 86400.0\nmax_entries = 10000\nmax_bytes = 64000000\n";
    fs::write(file.path(), section).unwrap();
    let path = file.path().to_str().unwrap();
    let of_file = Server::with(&[("CONFIG", path)]);
    assert!(warns(&of_file));
    answer(of_file.predict("", fixture(CELL))).await;
}
