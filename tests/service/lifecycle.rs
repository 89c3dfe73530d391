//! Shutdown: requests in flight are answered, then the process ends.

use std::time::Duration;

use reqwest::StatusCode;

use super::server::{CELL, Server, fixture, problem};

/// Longest time for a process to end on a slow machine.
const LONGEST: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_answers_requests_in_flight() {
    let mut server = Server::start();
    let slow = tokio::spawn(
        server
            .predict("?method=tta&passes=200&exact=true", fixture(CELL))
            .send(),
    );
    server.until_busy().await;
    server.signal("TERM");
    assert_eq!(slow.await.unwrap().unwrap().status(), StatusCode::OK);
    assert!(server.wait(LONGEST).success());
    assert!(server.get("/health/live").send().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_ends_before_service() {
    let mut server = Server::with(&[("SERVER__DRAIN_DELAY_SECONDS", "3")]);
    assert_eq!(
        server.get("/health/ready").send().await.unwrap().status(),
        StatusCode::OK
    );
    server.signal("TERM");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let ready = server.get("/health/ready").send().await.unwrap();
    assert!(ready.headers().contains_key("retry-after"));
    assert_eq!(
        problem(ready).await["type"],
        "urn:secondlook:problem:draining"
    );
    assert_eq!(
        server
            .predict("", fixture(CELL))
            .send()
            .await
            .unwrap()
            .status(),
        StatusCode::OK
    );
    assert!(server.wait(LONGEST).success());
}

#[tokio::test(flavor = "multi_thread")]
async fn drain_ends_at_its_deadline() {
    let settings = [
        ("SERVER__DRAIN_TIMEOUT_SECONDS", "0.3"),
        ("ENGINE__WORKERS", "1"),
        ("ENGINE__MAX_PASSES", "1000"),
    ];
    let mut server = Server::with(&settings);
    let endless = tokio::spawn(
        server
            .predict("?method=tta&passes=1000&exact=true", fixture(CELL))
            .send(),
    );
    server.until_busy().await;
    server.signal("INT");
    assert!(
        endless.await.unwrap().is_err(),
        "it was answered before the deadline"
    );
    assert!(server.wait(LONGEST).success());
    assert!(server.log().contains("drain deadline"), "{}", server.log());
}
