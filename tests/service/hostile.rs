//! Two hundred valid and hostile uploads at once.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use reqwest::StatusCode;
use serde_json::Value;

use super::server::{CELL, Server, fixture, problem};

/// The allowed statuses for a file of the manifest.
fn right_statuses(case: &Value) -> Vec<u16> {
    let verdict = |case: &Value| match case["expected"].as_str() {
        Some("ok") => "ok".to_owned(),
        _ => format!("reject:{}", case["reason"].as_str().unwrap()),
    };
    let is_gif = case["file"].as_str().unwrap().ends_with(".gif");
    let enabled = case["if_format_enabled"].as_str().filter(|_| !is_gif);
    let expected = enabled.map_or_else(
        || verdict(case),
        |verdict| verdict.split(' ').next().unwrap().to_owned(),
    );
    let verdicts = [
        Some(expected),
        case["alternative"].as_str().map(str::to_owned),
    ];
    verdicts
        .into_iter()
        .flatten()
        .map(|verdict| status_of(&verdict))
        .collect()
}

fn status_of(verdict: &str) -> u16 {
    match verdict {
        "ok" => 200,
        "reject:empty" => 400,
        "reject:too_large" | "reject:too_many_pixels" => 413,
        "reject:unsupported_media_type" => 415,
        "reject:undecodable" => 422,
        other => panic!("unknown verdict in the manifest: {other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_uploads_get_right_statuses() {
    let manifest: Value = serde_json::from_slice(&fixture("bad_inputs/manifest.json")).unwrap();
    let policy = &manifest["policy"];
    let (bytes, pixels) = (
        policy["max_bytes"].to_string(),
        policy["max_pixels"].to_string(),
    );
    let server = Server::with(&[
        ("LIMITS__MAX_IMAGE_BYTES", &bytes),
        ("LIMITS__MAX_PIXELS", &pixels),
    ]);

    let cases = manifest["files"].as_array().unwrap().iter();
    let mut uploads: Vec<(String, Vec<u16>)> = cases
        .map(|case| {
            (
                format!("bad_inputs/{}", case["file"].as_str().unwrap()),
                right_statuses(case),
            )
        })
        .collect();
    while uploads.len() < 200 {
        uploads.push((CELL.to_owned(), vec![200]));
    }

    let send = |(name, right): (String, Vec<u16>)| {
        let request = server
            .predict("", fixture(&name))
            .timeout(Duration::from_secs(30));
        async move { (name, right, request.send().await.unwrap()) }
    };
    let responses: Vec<_> = stream::iter(uploads)
        .map(send)
        .buffer_unordered(200)
        .collect()
        .await;
    for (name, right, response) in responses {
        let status = response.status();
        assert!(
            right.contains(&status.as_u16()),
            "{name}: {status}, not {right:?}"
        );
        if status != StatusCode::OK {
            problem(response).await;
        }
    }
    let log = server.log();
    assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");
    assert_eq!(
        server.get("/health/ready").send().await.unwrap().status(),
        StatusCode::OK
    );
}
