//! The cells of a field as lines, each as it finishes.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::{
    fields::{ask, lasting_cell, nuclei},
    server::{Server, answer},
};

async fn lines(request: RequestBuilder) -> Vec<Value> {
    let response = request
        .header("Accept", "application/x-ndjson")
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let text = response.text().await.unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn lines_equal_the_whole_answer() {
    let server = Server::start();
    let whole = answer(ask(&server, "?method=ensemble", &nuclei())).await;
    let mut lines = lines(ask(&server, "?method=ensemble", &nuclei())).await;
    lines.sort_by_key(|cell| cell["index"].as_u64().unwrap());
    let cells = whole["cells"].as_array().unwrap().iter().cloned();
    assert!(
        lines
            .into_iter()
            .map(lasting_cell)
            .eq(cells.map(lasting_cell))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn first_line_arrives_early() {
    let server = Server::start();
    let many = vec![nuclei()[0].clone(); 100];
    let request = ask(&server, "?method=tta&passes=50&exact=true", &json!(many));
    let mut response = request
        .header("Accept", "application/x-ndjson")
        .send()
        .await
        .unwrap();
    let first = response.chunk().await.unwrap().unwrap();
    let seen = first
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .count();
    // Far fewer than all, even if this test starts late.
    assert!((1..=50).contains(&seen), "{seen} lines at once");
    drop(response);
    server.until_idle().await;
    let answered = server.decisions().await;
    assert!(
        answered < 100,
        "{answered} cells were answered for a client that left"
    );
}

#[tokio::test]
async fn late_lines_have_deadline_problem() {
    let server = Server::start();
    let many = vec![nuclei()[0].clone(); 40];
    let request = ask(&server, "?method=tta&passes=200&exact=true", &json!(many));
    let lines = lines(request.header("X-Request-Timeout", "4")).await;
    assert_eq!(lines.len(), 40, "every nucleus has its line");
    let late = lines.iter().filter(|cell| !cell["problem"].is_null());
    let statuses: Vec<u64> = late
        .map(|cell| cell["problem"]["status"].as_u64().unwrap())
        .collect();
    assert!(
        !statuses.is_empty() && statuses.iter().all(|status| matches!(status, 503 | 504)),
        "{statuses:?}"
    );
}
