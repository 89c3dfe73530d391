//! A small request cannot cause a large answer or a large refusal.

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
/// Largest number of bytes of a refusal.
const LONGEST_REFUSAL: usize = 4096;

fn image() -> String {
    BASE64_STANDARD.encode(fixture(CELL))
}

/// A request of the protocol for one image, with further members.
pub fn request(members: &Value) -> Value {
    let data = [image()];
    let input = json!({"name": "image", "shape": [1], "datatype": "BYTES", "data": data});
    let mut request = json!({"inputs": [input]});
    for (name, value) in members.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

/// The same output several times, with as many passes as the server allows.
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

/// Checks that a request is refused with this text, and returns the error.
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
async fn repeated_outputs_are_refused() {
    let server = Server::start();
    // Made before the health checks start, because it takes a while.
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
            refused(post().body(body), 400, "`samples` is requested twice").await;
        }
        let request = post().header("Content-Encoding", "gzip").body(small);
        refused(request, 400, "`samples` is requested twice").await;
        done.store(true, Ordering::Release);
    };
    let watching = async {
        while !done.load(Ordering::Acquire) {
            // As long as a container's health check waits.
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
async fn long_lists_and_texts_are_refused() {
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
        (json!({"id": long}), "`id` has more than"),
        (json!({"outputs": [{"name": long}]}), "there is no output"),
        (json!({"parameters": {&long: 1}}), "parameters.x"),
        (
            json!({"parameters": {"method": long}}),
            "expected one of baseline",
        ),
        (
            json!({"inputs": [{"name": long, "shape": [1], "datatype": "BYTES", "data": []}]}),
            "expected the input `image`",
        ),
        (
            json!({"inputs": [{"name": "image", "shape": [1], "datatype": long, "data": []}]}),
            "expected BYTES or FP32",
        ),
    ];
    for (members, said) in cases {
        refused(server.post(INFER).json(&request(&members)), 400, said).await;
    }
    // Behind the JSON: elements without content.
    let elements = vec![0; 4 * many];
    let input = json!({"name": "image", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": elements.len()}});
    let header = json!({"inputs": [input]}).to_string();
    let request = server
        .post(INFER)
        .header("Inference-Header-Content-Length", header.len());
    let body = [header.as_bytes(), &elements].concat();
    refused(request.body(body), 400, "1 images, but the tensor has more").await;

    let form = Form::new().part(long, Part::bytes(fixture(CELL)));
    let form = server.post("/v1/predictions").multipart(form).send().await;
    assert!(problem(form.unwrap()).await.to_string().len() <= LONGEST_REFUSAL);
}

#[tokio::test]
async fn wrong_content_types_are_refused() {
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
