//! Many crops in one request.

use reqwest::{
    RequestBuilder, StatusCode,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

use super::{
    predictions::lasting,
    server::{CELL, Server, answer, fixture, problem},
};

const BATCH: &str = "/v1/predictions:batch";

fn form(images: &[(&str, Vec<u8>)]) -> Form {
    images.iter().fold(Form::new(), |form, (name, bytes)| {
        form.part(
            "image",
            Part::bytes(bytes.clone()).file_name((*name).to_owned()),
        )
    })
}

fn example(class: &str) -> Vec<u8> {
    std::fs::read(format!("examples/cells/{class}.png")).unwrap()
}

#[tokio::test]
async fn batch_answers_equal_single_answers() {
    let server = Server::start();
    let half = fixture("bad_inputs/jpeg_truncated_half.jpg");
    let images = [
        ("nilm.png", example("nilm")),
        ("half.jpg", half),
        ("scc.png", example("scc")),
        ("empty.png", vec![]),
        ("note.txt", b"no image".to_vec()),
        ("hsil.png", example("hsil")),
    ];
    let query = "?method=mc_dropout&compare=tta&passes=8&policy=accept_error_2_classes_5";
    let request = server
        .post(&format!("{BATCH}{query}"))
        .multipart(form(&images));
    let batch = answer(request.header("X-Accession", "S26-1")).await;

    let items = batch["items"].as_array().unwrap();
    assert_eq!(items.len(), images.len());
    for (index, (item, (name, image))) in items.iter().zip(&images).enumerate() {
        assert_eq!(
            (&item["index"], &item["file_name"]),
            (&json!(index), &json!(name))
        );
        let request = server.predict(query, image.clone());
        let alone = request.header("X-Accession", "S26-1").send().await.unwrap();
        if alone.status() == StatusCode::OK {
            let alone: Value = alone.json().await.unwrap();
            assert_eq!(
                lasting(item["prediction"].clone()),
                lasting(alone),
                "{name}"
            );
            assert_eq!(item["problem"], Value::Null);
            assert_eq!(item["prediction"]["request_id"], batch["request_id"]);
        } else {
            let alone = problem(alone).await;
            for member in ["type", "status", "field"] {
                assert_eq!(item["problem"][member], alone[member], "{name}");
            }
            assert_eq!(item["prediction"], Value::Null);
            assert_eq!(item["problem"]["request_id"], batch["request_id"]);
        }
    }
    check_summary(&batch["summary"], items, "file_name");
    assert!(!server.log().contains("S26-1") && !server.log().contains("hsil.png"));
}

/// Compares a summary with its cells.
pub fn check_summary(summary: &Value, cells: &[Value], id: &str) {
    let answered: Vec<&Value> = cells
        .iter()
        .filter(|cell| cell["problem"].is_null())
        .collect();
    let with = |action: &str| -> Vec<&Value> {
        let is_so = |cell: &&&Value| cell["prediction"]["decision"]["action"] == action;
        answered.iter().filter(is_so).copied().collect()
    };
    let (accepted, referred) = (with("accept"), with("refer"));
    let counts = json!([
        cells.len(),
        cells.len() - answered.len(),
        accepted.len(),
        referred.len()
    ]);
    let said = ["cells", "problems", "accepted", "referred"].map(|name| summary[name].clone());
    assert_eq!(json!(said), counts);

    let severity = |cell: &Value| cell["prediction"]["prediction"]["index"].as_u64().unwrap();
    let label = |cell: &Value| cell["prediction"]["prediction"]["label"].clone();
    let most_severe = |cells: &[&Value]| {
        let worst = cells.iter().max_by_key(|cell| severity(cell));
        worst.map_or(Value::Null, |cell| label(cell))
    };
    assert_eq!(summary["most_severe_accepted"], most_severe(&accepted));
    assert_eq!(summary["most_severe_referred"], most_severe(&referred));

    // NILM and the five abnormal classes, in this order.
    let called_abnormal = |cell: &&&Value| {
        let abnormal = &cell["prediction"]["prediction"]["abnormal_probability"];
        severity(cell) > 0 || abnormal.as_f64().unwrap() >= 0.5
    };
    let accepted_as_abnormal = accepted.iter().filter(called_abnormal).count();
    let worklist = summary["worklist"].as_array().unwrap();
    assert_eq!(worklist.len(), referred.len() + accepted_as_abnormal);
    let listed: Vec<&Value> = worklist
        .iter()
        .map(|entry| &cells[usize::try_from(entry["index"].as_u64().unwrap()).unwrap()])
        .collect();
    let triage = |cell: &Value| {
        let level = cell["prediction"]["decision"]["triage"].as_str().unwrap();
        let levels = ["high_grade", "abnormal", "unlike", "unsure", "accepted"];
        levels.iter().position(|known| *known == level).unwrap()
    };
    assert!(listed.is_sorted_by(|left, right| triage(left) <= triage(right)));
    for (entry, cell) in worklist.iter().zip(listed) {
        assert_eq!((&entry["id"], &entry["label"]), (&cell[id], &label(cell)));
        let decision = &cell["prediction"]["decision"];
        assert_eq!(entry["action"], decision["action"]);
        assert_eq!(entry["triage"], decision["triage"]);
    }
    for class in summary["by_class"].as_array().unwrap() {
        let of_class = |cells: &[&Value]| {
            cells
                .iter()
                .filter(|cell| label(cell) == class["label"])
                .count()
        };
        assert_eq!(class["accepted"], of_class(&accepted), "{class}");
        assert_eq!(class["referred"], of_class(&referred), "{class}");
    }
}

#[tokio::test]
async fn batch_limits_are_enforced() {
    let server = Server::with(&[
        ("LIMITS__MAX_CELLS", "3"),
        ("LIMITS__MAX_IMAGE_BYTES", "60000"),
        ("LIMITS__MAX_BATCH_BYTES", "150000"),
    ]);
    let send = |images: &[(&str, Vec<u8>)]| server.post(BATCH).multipart(form(images)).send();
    let cell = ("cell", fixture(CELL));
    let many = vec![cell.clone(); 4];
    let many = problem(send(&many).await.unwrap()).await;
    assert_eq!(
        many["type"], "urn:secondlook:problem:too-many-cells",
        "{many}"
    );
    assert_eq!(many["status"], 413);

    let with_views = server.post(&format!("{BATCH}?include=views"));
    let two = with_views.multipart(form(&[cell.clone(), cell.clone()]));
    let expected = (422, "parameter-invalid".to_owned(), json!("include"));
    assert_eq!(refused(two).await, expected);

    let large = ("large", vec![0; 60_001]);
    let one_large: Value = send(&[cell.clone(), large.clone(), cell.clone()])
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let kind = &one_large["items"][1]["problem"]["type"];
    assert_eq!(kind, "urn:secondlook:problem:body-too-large", "{one_large}");
    assert!(one_large["items"][2]["prediction"].is_object());

    // Most of its bytes are skipped.
    let larger = ("larger", vec![0; 140_000]);
    let response = send(&[larger, cell.clone()]).await.unwrap();
    let one_larger: Value = response.json().await.unwrap();
    assert!(
        one_larger["items"][1]["prediction"].is_object(),
        "{one_larger}"
    );

    let together = problem(send(&[large.clone(), large.clone(), large]).await.unwrap()).await;
    assert_eq!(together["type"], "urn:secondlook:problem:body-too-large");
    assert!(
        together["hint"]
            .as_str()
            .unwrap()
            .contains("max_batch_bytes"),
        "{together}"
    );
}

async fn refused(request: RequestBuilder) -> (u64, String, Value) {
    let problem = problem(request.send().await.unwrap()).await;
    let kind = problem["type"]
        .as_str()
        .unwrap()
        .rsplit(':')
        .next()
        .unwrap();
    assert!(problem["hint"].is_string(), "{problem}");
    (
        problem["status"].as_u64().unwrap(),
        kind.to_owned(),
        problem["field"].clone(),
    )
}

#[tokio::test]
async fn malformed_batches_are_refused() {
    let server = Server::start();
    let raw = server
        .post(BATCH)
        .header("Content-Type", "image/png")
        .body(fixture(CELL));
    assert_eq!(
        refused(raw).await,
        (
            415,
            "unsupported-media-type".to_owned(),
            json!("Content-Type")
        )
    );
    let nothing = server
        .post(BATCH)
        .multipart(Form::new().text("accession", "S26-1"));
    assert_eq!(
        refused(nothing).await,
        (400, "image-missing".to_owned(), json!("image"))
    );
    let stranger = form(&[("cell", fixture(CELL))]).text("colour", "red");
    let stranger = server.post(BATCH).multipart(stranger);
    assert_eq!(
        refused(stranger).await,
        (422, "parameter-invalid".to_owned(), json!("colour"))
    );
    let query = server.post(&format!("{BATCH}?passes=0&method=tta"));
    let query = query.multipart(form(&[("cell", fixture(CELL))]));
    assert_eq!(
        refused(query).await,
        (422, "parameter-invalid".to_owned(), json!("passes"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn disconnect_cancels_rest_of_batch() {
    let server = Server::start();
    let cells = 200;
    let images = vec![("cell", fixture(CELL)); cells];
    let request = server
        .post(&format!("{BATCH}?method=tta&passes=200&exact=true"))
        .multipart(form(&images));
    let waiting = tokio::spawn(request.send());
    server.until_busy().await;
    waiting.abort();
    server.until_idle().await;
    let answered = server.decisions().await;
    assert!(answered < cells as u64, "{answered} cells were answered");
}

#[tokio::test]
async fn unusual_crop_size_gets_a_warning() {
    let server = Server::start();
    let answer_for = |image| answer(server.predict("", image));
    let warned = answer_for(fixture(CELL)).await;
    assert_eq!(warned["warnings"][0]["code"], "crop_size", "{warned}");
    let detail = warned["warnings"][0]["detail"].as_str().unwrap();
    assert!(
        detail.contains("93 × 93") && detail.contains("140 × 140"),
        "{detail}"
    );
    let by_views = answer(server.predict("?method=tta", fixture(CELL))).await;
    assert_eq!(by_views["warnings"], warned["warnings"]);
    assert_eq!(answer_for(example("hsil")).await["warnings"], json!([]));
}
