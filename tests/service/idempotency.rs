//! The same request again: the same answer, once made.

use bytes::Bytes;
use reqwest::{
    RequestBuilder, StatusCode,
    multipart::{Form, Part},
};

use super::server::{CELL, Server, fixture, problem};

const HEADER: &str = "Idempotency-Key";

fn other_cell() -> Vec<u8> {
    fixture("imaging/crop01.png")
}

/// The bytes of an answer, and whether it was given before.
async fn answer(request: RequestBuilder) -> (Bytes, bool) {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let replayed = response.headers().contains_key("idempotency-replayed");
    assert_eq!(response.headers()["content-type"], "application/json");
    (response.bytes().await.unwrap(), replayed)
}

async fn refused(request: RequestBuilder, status: u16, kind: &str) {
    let problem = problem(request.send().await.unwrap()).await;
    assert_eq!(problem["status"], status, "{problem}");
    assert_eq!(problem["type"], format!("urn:secondlook:problem:{kind}"));
    assert_eq!(problem["field"], HEADER);
}

#[tokio::test]
async fn the_same_request_gets_the_same_bytes_and_another_is_refused() {
    let server = Server::start();
    let ask = |key: &'static str, query: &str, image: Vec<u8>| {
        server.predict(query, image).header(HEADER, key)
    };
    let (first, replayed) = answer(ask("k1", "?method=mc_dropout", fixture(CELL))).await;
    assert!(!replayed);
    let (second, replayed) = answer(ask("k1", "?method=mc_dropout", fixture(CELL))).await;
    assert!(replayed && first == second);
    let (third, replayed) = answer(ask("k2", "?method=mc_dropout", fixture(CELL))).await;
    assert!(
        !replayed && first != third,
        "another key is another request"
    );

    let reused = "idempotency-key-reused";
    refused(ask("k1", "?method=mc_dropout", other_cell()), 409, reused).await;
    refused(ask("k1", "?method=ensemble", fixture(CELL)), 409, reused).await;
    let accession = ask("k1", "?method=mc_dropout", fixture(CELL)).header("X-Accession", "S-1");
    refused(accession, 409, reused).await;
    let long: &'static str = Box::leak("x".repeat(256).into_boxed_str());
    for key in ["", "a b", long] {
        refused(ask(key, "", fixture(CELL)), 400, "request-malformed").await;
    }
}

#[tokio::test]
async fn a_form_may_be_written_anew() {
    let server = Server::start();
    let form = |image: Vec<u8>| {
        let form = Form::new()
            .part("image", Part::bytes(image))
            .text("accession", "S-1");
        server
            .post("/v1/predictions")
            .multipart(form)
            .header(HEADER, "form")
    };
    let (first, _) = answer(form(fixture(CELL))).await;
    let (second, replayed) = answer(form(fixture(CELL))).await;
    assert!(
        replayed && first == second,
        "only the form's boundary has changed"
    );
    refused(form(other_cell()), 409, "idempotency-key-reused").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicates_that_come_at_once_wait_for_the_first() {
    let server = Server::start();
    let ask = || {
        answer(
            server
                .predict("?method=tta", fixture(CELL))
                .header(HEADER, "many"),
        )
    };
    let answers = futures_util::future::join_all((0..8).map(|_| ask())).await;
    let (first, _) = &answers[0];
    assert!(answers.iter().all(|(answer, _)| answer == first));
    assert_eq!(answers.iter().filter(|(_, replayed)| !replayed).count(), 1);
    let metrics = server.text("/metrics").await;
    let count = metrics
        .lines()
        .find(|line| line.starts_with("secondlook_decisions_total"));
    assert!(count.unwrap().ends_with(" 1"), "{count:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_tried_again() {
    let server = Server::start();
    let ask = || {
        server
            .predict("?method=tta&passes=100&exact=true", fixture(CELL))
            .header(HEADER, "slow")
    };
    let late = ask()
        .header("X-Request-Timeout", "0.05")
        .send()
        .await
        .unwrap();
    assert_eq!(late.status(), StatusCode::GATEWAY_TIMEOUT);
    let gone = tokio::time::timeout(std::time::Duration::from_millis(50), ask().send()).await;
    assert!(gone.is_err(), "the client did not go away in time");
    let (first, replayed) = answer(ask()).await;
    assert!(!replayed);
    assert_eq!((first, true), answer(ask()).await);

    let broken = || {
        server
            .predict("", b"no image".to_vec())
            .header(HEADER, "refused")
    };
    assert_eq!(
        broken().send().await.unwrap().status(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    let corrected = server.predict("", fixture(CELL)).header(HEADER, "refused");
    assert!(!answer(corrected).await.1, "a refusal uses no key up");
}

#[tokio::test]
async fn keys_are_each_clients_own_and_answers_are_bounded() {
    let keys = ["a", "b"].map(|name| format!("key-of-{name}"));
    let entry = |key: &String| {
        let sha256 = bundle::sha256_hex(key.as_bytes());
        format!("{{name = \"{key}\", sha256 = \"{sha256}\"}}")
    };
    let entries = keys.iter().map(entry).collect::<Vec<_>>().join(", ");
    let settings = [
        ("ACCESS__KEYS", format!("[{entries}]")),
        ("IDEMPOTENCY__MAX_ENTRIES", "2".to_owned()),
    ];
    let settings = settings
        .each_ref()
        .map(|(key, value)| (*key, value.as_str()));
    let server = Server::with(&settings);
    let ask = |client: usize, key: &'static str| {
        answer(
            server
                .predict("", fixture(CELL))
                .bearer_auth(&keys[client])
                .header(HEADER, key),
        )
    };
    let (of_a, _) = ask(0, "k").await;
    let (of_b, replayed) = ask(1, "k").await;
    assert!(
        !replayed && of_a != of_b,
        "one client hears another's answer"
    );
    assert!(ask(0, "k").await.1 && ask(1, "k").await.1);
    assert!(!ask(1, "third").await.1);
    assert!(!ask(0, "k").await.1, "the oldest answer has made room");
}
