//! A small request makes no large answer, and no large refusal.

use std::{
    io::Write as _,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::{Compression, write::GzEncoder};
use reqwest::{
    RequestBuilder, StatusCode,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

use super::server::{CELL, Server, fixture, problem};

pub const INFER: &str = "/v2/models/cric-lite0/infer";
/// No refusal has more bytes, whatever was sent.
const LONGEST_REFUSAL: usize = 4096;

fn image() -> String {
    BASE64_STANDARD.encode(fixture(CELL))
}

/// A request of the protocol for one image, with members over those that it has anyway.
pub fn request(members: &Value) -> Value {
    let data = [image()];
    let input = json!({"name": "image", "shape": [1], "datatype": "BYTES", "data": data});
    let mut request = json!({"inputs": [input]});
    for (name, value) in members.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

/// The same output so many times, with as many passes as the server allows.
fn repeated(times: usize) -> Value {
    let outputs = vec![json!({"name": "samples"}); times];
    let parameters = json!({"method": "mc_dropout", "passes": 200});
    request(&json!({"parameters": parameters, "outputs": outputs}))
}

fn gzipped(json: &Value) -> Vec<u8> {
    let mut compressed = GzEncoder::new(Vec::new(), Compression::best());
    compressed.write_all(json.to_string().as_bytes()).unwrap();
    compressed.finish().unwrap()
}

/// The error of a request that has to be refused, which says this.
async fn refused(request: RequestBuilder, status: u16, said: &str) -> String {
    let response = request.timeout(Duration::from_secs(60)).send().await;
    let response = response.unwrap();
    let found = response.status();
    let body = response.bytes().await.unwrap();
    assert_eq!(found, status, "{} bytes", body.len());
    assert!(body.len() <= LONGEST_REFUSAL, "{} bytes", body.len());
    let body: Value = serde_json::from_slice(&body).unwrap();
    let error = body["error"].as_str().unwrap();
    assert!(error.contains(said), "`{said}`: {error}");
    error.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_is_asked_for_once() {
    let server = Server::start();
    // Made before the clock of the health check runs: this takes the test a while.
    let plain = [2, 5000].map(|times| repeated(times).to_string());
    let small = gzipped(&repeated(150_000));
    assert!(small.len() < 60_000, "{} bytes", small.len());
    let post = || {
        server
            .post(INFER)
            .header("Content-Type", "application/json")
    };
    let done = AtomicBool::new(false);
    let asking = async {
        for body in plain {
            refused(post().body(body), 400, "`samples` is asked for twice").await;
        }
        let request = post().header("Content-Encoding", "gzip").body(small);
        refused(request, 400, "`samples` is asked for twice").await;
        done.store(true, Ordering::Release);
    };
    let watching = async {
        while !done.load(Ordering::Acquire) {
            // What a container's health check waits.
            let live = server.get("/health/live").timeout(Duration::from_secs(3));
            assert_eq!(live.send().await.unwrap().status(), StatusCode::OK);
        }
    };
    tokio::join!(asking, watching);
    let each = json!({"outputs": [{"name": "label"}, {"name": "samples"}, {"name": "decision"}]});
    let request = server.post(INFER).json(&request(&each));
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn lists_and_texts_of_a_request_have_an_end() {
    let server = Server::start();
    let many = 300_000;
    let long = "x".repeat(1_000_000);
    let inputs = |shape: Value| json!([{"name": "image", "shape": shape, "datatype": "BYTES", "data": [image()]}]);
    let empty = vec![""; many];
    let texts = json!([{"name": "image", "shape": [1], "datatype": "BYTES", "data": empty}]);
    let other = json!({"name": "image", "shape": [1], "datatype": "BYTES"});
    let cases = [
        (
            json!({"inputs": inputs(json!(vec![1; many]))}),
            "more than 8",
        ),
        (json!({"inputs": vec![other; many]}), "more than 1"),
        (json!({"inputs": texts}), "more than 65536 texts"),
        (json!({"id": long}), "the id has more than"),
        (json!({"outputs": [{"name": long}]}), "there is no output"),
        (json!({"parameters": {&long: 1}}), "parameters.x"),
        (json!({"parameters": {"method": long}}), "unknown variant"),
        (
            json!({"inputs": [{"name": long, "shape": [1], "datatype": "BYTES", "data": []}]}),
            "there is no input",
        ),
        (
            json!({"inputs": [{"name": "image", "shape": [1], "datatype": long, "data": []}]}),
            "the datatype",
        ),
    ];
    for (members, said) in cases {
        refused(server.post(INFER).json(&request(&members)), 400, said).await;
    }
    // Behind the JSON: elements without a byte.
    let elements = vec![0; 4 * many];
    let input = json!({"name": "image", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": elements.len()}});
    let header = json!({"inputs": [input]}).to_string();
    let request = server
        .post(INFER)
        .header("Inference-Header-Content-Length", header.len());
    let body = [header.as_bytes(), &elements].concat();
    refused(request.body(body), 400, "1 images and there are more").await;

    let form = Form::new().part(long, Part::bytes(fixture(CELL)));
    let form = server.post("/v1/predictions").multipart(form).send().await;
    assert!(problem(form.unwrap()).await.to_string().len() <= LONGEST_REFUSAL);
}

#[tokio::test]
async fn a_body_says_what_it_is_or_nothing() {
    let server = Server::start();
    let body = request(&json!({})).to_string();
    let ask = |content_type: &str| {
        let asked = server.post(INFER).body(body.clone());
        asked.header("Content-Type", content_type)
    };
    for right in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/octet-stream",
    ] {
        assert_eq!(
            ask(right).send().await.unwrap().status(),
            StatusCode::OK,
            "{right}"
        );
    }
    for wrong in [
        "application/x-www-form-urlencoded",
        "text/plain;charset=UTF-8",
        "multipart/form-data; boundary=b",
        "image/png",
    ] {
        let error = refused(ask(wrong), 415, "application/octet-stream").await;
        assert!(
            error.contains("-H 'Content-Type: application/json'"),
            "{error}"
        );
    }
    // As tritonclient sends it.
    let asked = server
        .post(INFER)
        .header("Inference-Header-Content-Length", body.len());
    assert_eq!(
        asked.body(body).send().await.unwrap().status(),
        StatusCode::OK
    );
}
