//! Routes to read: models, health, metrics.

use reqwest::header::CONTENT_TYPE;
use serde_json::Value;

use super::server::{CELL, Server, answer, fixture};

#[tokio::test]
async fn model_details_are_complete() {
    let server = Server::start();
    let list = answer(server.get("/v1/models")).await;
    let summary = &list["models"][0];
    assert_eq!(summary["ready"], true);
    assert!(
        summary["methods"]
            .as_array()
            .unwrap()
            .contains(&"baseline".into())
    );

    let name = summary["name"].as_str().unwrap();
    let details = answer(server.get(&format!("/v1/models/{name}"))).await;
    for member in ["name", "version", "methods", "sha256"] {
        assert_eq!(details[member], summary[member], "{member}");
    }
    assert!(details["input"]["crop_edge_px"].as_u64().unwrap() > 0);
    assert!(
        details["input"]
            .as_object()
            .unwrap()
            .contains_key("source_width_px")
    );
    assert!(details["calibration"].is_array() && details["policies"].is_array());
    let file = &details["files"][0];
    assert_eq!(file["sha256"].as_str().unwrap().len(), 64);

    let answer = server.answer("").await;
    assert_eq!(answer["model"]["sha256"], summary["sha256"]);
    let of = |list: &Value, member: &str| -> Vec<String> {
        list.as_array()
            .unwrap()
            .iter()
            .map(|item| item[member].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        of(&answer["probabilities"], "label"),
        of(&details["labels"], "name")
    );
}

#[tokio::test]
async fn metrics_have_routes_and_stages() {
    let server = Server::start();
    server.answer("?method=mc_dropout&compare=baseline").await;
    assert_eq!(answer(server.get("/health/live")).await["status"], "live");
    server.get("/secret/path").send().await.unwrap();
    let response = server.get("/metrics").send().await.unwrap();
    assert!(
        response.headers()[CONTENT_TYPE]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    let text = response.text().await.unwrap();
    let expected = [
        r#"secondlook_http_requests_total{route="/v1/predictions",method="POST",status="200"} 1"#,
        r#"secondlook_http_requests_total{route="none",method="GET",status="404"} 1"#,
        r#"secondlook_http_request_duration_seconds_count{route="/health/live",method="GET",status="200"} 1"#,
        r#"secondlook_stage_duration_seconds_count{stage="queue"} 1"#,
        r#"secondlook_stage_duration_seconds_count{stage="decode"} 1"#,
        r#"secondlook_stage_duration_seconds_count{stage="inference"} 1"#,
        "secondlook_queue_depth 0",
        r#"method="baseline",action="#,
    ];
    for line in expected {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    assert!(!text.contains("secret"));
}

#[tokio::test]
async fn log_has_one_line_per_request() {
    let server = Server::with(&[("LOG__FORMAT", "json")]);
    let request = server
        .predict("?method=ensemble", fixture(CELL))
        .header("X-Request-Id", "find-me");
    answer(request).await;
    let log = server.log();
    let line = log.lines().find(|line| line.contains("find-me")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["route"], "/v1/predictions");
    assert_eq!(line["status"], 200);
    assert_eq!(line["method"], "ensemble");
    assert!(
        line["model"].is_string() && line["duration_ms"].is_number(),
        "{line}"
    );
}
