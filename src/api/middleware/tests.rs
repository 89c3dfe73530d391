#![allow(clippy::unwrap_used, clippy::panic)]
//! Errors of the framework: their bodies, and their lines in the log.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::Path,
    http::{Request, Response, header},
    middleware::from_fn,
    routing::{get, post},
};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;

use super::{access, panicked, unanswered};
use tower_http::catch_panic::CatchPanicLayer;

async fn panics_always() -> String {
    panic!("a secret of ours")
}

fn routes() -> Router {
    Router::new()
        .route("/panics", get(panics_always))
        .route("/numbers/{number}", get(|_: Path<u8>| async {}))
        .route("/json", post(|_: Json<Value>| async {}))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(unanswered::write_bodies))
        .layer(from_fn(access::record))
        .layer(from_fn(access::assign_id))
}

async fn ask(method: &str, path: &str) -> (Response<Body>, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::from("{"))
        .unwrap();
    let response = TowerToHyperService::new(routes())
        .call(request)
        .await
        .unwrap();
    let (parts, body) = response.into_parts();
    let json = serde_json::from_slice(&to_bytes(body, 10_000).await.unwrap()).unwrap();
    (Response::from_parts(parts, Body::empty()), json)
}

#[tokio::test]
async fn framework_errors_become_problems() {
    let cases = [
        ("GET", "/panics", 500, "urn:secondlook:problem:internal"),
        (
            "GET",
            "/numbers/many",
            400,
            "urn:secondlook:problem:request-malformed",
        ),
        ("GET", "/nothing", 404, "urn:secondlook:problem:not-found"),
        (
            "PUT",
            "/json",
            405,
            "urn:secondlook:problem:method-not-allowed",
        ),
        ("POST", "/json", 415, "about:blank"),
    ];
    for (method, path, status, kind) in cases {
        let (response, problem) = ask(method, path).await;
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "application/problem+json",
            "{path}"
        );
        assert_eq!(
            (&problem["type"], &problem["status"]),
            (&kind.into(), &status.into()),
            "{path}"
        );
        assert_eq!(
            problem["request_id"],
            response.headers()["x-request-id"].to_str().unwrap()
        );
        assert!(!problem.to_string().contains("secret"));
    }
    let (response, _) = ask("PUT", "/json").await;
    assert_eq!(response.headers()[header::ALLOW], "POST");
}

/// The log of all tests in this program.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn panics_are_logged_with_request_id() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // For all threads: a level that another thread uses first is otherwise disabled for this one,
    // too.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let (_, problem) = ask("GET", "/panics").await;
    let id = problem["request_id"].as_str().unwrap();
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let line_with = |words: &str| {
        let mut lines = text.lines();
        lines
            .find(|line| line.contains(words) && line.contains(id))
            .unwrap()
    };
    for line in [line_with("a handler panicked"), line_with("status=500")] {
        assert_eq!(line.matches(id).count(), 1, "{line}");
    }
}
