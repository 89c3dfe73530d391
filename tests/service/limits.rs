//! Limits on uploads, on connections and on the queue.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use reqwest::{
    StatusCode,
    multipart::{Form, Part},
};

use super::server::{CELL, Server, fixture, problem};

#[tokio::test]
async fn too_many_bytes_are_413() {
    let server = Server::with(&[("LIMITS__MAX_IMAGE_BYTES", "100000")]);
    for size in [100_001, 3_000_000] {
        let raw = server.predict("", vec![0; size]);
        let part = Part::bytes(vec![0; size]);
        let form = server
            .post("/v1/predictions")
            .multipart(Form::new().part("image", part));
        for request in [raw, form] {
            let problem = problem(request.send().await.unwrap()).await;
            assert_eq!(
                problem["type"], "urn:secondlook:problem:body-too-large",
                "{size}: {problem}"
            );
            assert_eq!(problem["field"], "image");
        }
    }
    // A refusal before the body is read must also reach a client that is still sending.
    let refused = server
        .predict("?colour=red", vec![0; 8_000_000])
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn too_many_pixels_are_413() {
    let server = Server::with(&[("LIMITS__MAX_PIXELS", "8000")]);
    let problem = problem(server.predict("", fixture(CELL)).send().await.unwrap()).await;
    assert_eq!(
        problem["type"],
        "urn:secondlook:problem:image-too-many-pixels"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn full_queue_sends_retry_after() {
    let server = Server::with(&[
        ("ENGINE__WORKERS", "1"),
        ("ENGINE__QUEUE_CAPACITY", "1"),
        ("ENGINE__MAX_BATCH", "1"),
    ]);
    let requests = (0..24).map(|_| server.predict("?method=mc_dropout", fixture(CELL)).send());
    let mut busy = 0;
    for response in join_all(requests).await {
        let response = response.unwrap();
        if response.status() == StatusCode::OK {
            continue;
        }
        let wait: u64 = response.headers()["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!(wait >= 1);
        assert_eq!(
            problem(response).await["type"],
            "urn:secondlook:problem:busy"
        );
        busy += 1;
    }
    assert!(busy > 0, "24 requests at once fitted into a queue of one");
    assert_eq!(
        server
            .predict("", fixture(CELL))
            .send()
            .await
            .unwrap()
            .status(),
        StatusCode::OK
    );
}

/// Sends `request` and then nothing. Returns the answer, and how long the connection stayed open.
fn stall(server: &Server, request: &str) -> (String, Duration) {
    let started = Instant::now();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut heard = Vec::new();
    match stream.read_to_end(&mut heard) {
        // A connection closes like this if not all of its bytes were read.
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        read => drop(read.expect("the server neither answered nor closed the connection")),
    }
    (
        String::from_utf8_lossy(&heard).into_owned(),
        started.elapsed(),
    )
}

#[test]
fn stalled_connections_are_closed() {
    let timeouts = [
        ("SERVER__HEADER_READ_TIMEOUT_SECONDS", "0.3"),
        ("SERVER__REQUEST_TIMEOUT_SECONDS", "0.6"),
    ];
    let server = Server::with(&timeouts);
    let body = "POST /v1/predictions HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 99\r\nConnection: close\r\n\r\nabc";
    for (request, answer) in [
        ("", ""),
        ("P", ""),
        ("PRI * HTTP/2.0\r\n", ""),
        ("GET /health/live HT", ""),
        (body, "HTTP/1.1 504"),
    ] {
        let (heard, elapsed) = stall(&server, request);
        assert!(heard.starts_with(answer), "{request:?}: {heard}");
        assert!(elapsed < Duration::from_secs(9), "{request:?}: {elapsed:?}");
    }
}

/// Linux only: the socket option does not exist elsewhere.
#[cfg(target_os = "linux")]
#[test]
fn unread_answers_close_the_connection() {
    let server = Server::with(&[
        ("SERVER__REQUEST_TIMEOUT_SECONDS", "1"),
        ("LOG__FILTER", "info,ort=warn,secondlook=debug"),
    ]);
    // Far more than the system buffers for a connection whose other end does not read.
    let request = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n".repeat(50);
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let started = Instant::now();
    while !server.log().contains("a connection ended early") {
        assert!(started.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits until uploads of a kind hold this number of bytes.
async fn uploads_hold(server: &Server, kind: &str, bytes: usize) {
    let figure = format!("secondlook_upload_bytes{{of=\"{kind}\"}} {bytes}\n");
    let started = Instant::now();
    loop {
        let metrics = server.text("/metrics").await;
        if metrics.contains(&figure) {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{metrics}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Starts a request without its body. When this returns, the server has started to read the body.
fn begin(server: &Server, path: &str, content_type: &str, length: usize) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut begun = [0; 25];
    stream.read_exact(&mut begun).unwrap();
    assert_eq!(&begun, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

const FORM: &str = "multipart/form-data; boundary=b";

const PART: &str = "--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn form_bytes_count_as_they_arrive() {
    let server = Server::start();
    let mut slow = begin(&server, "/v1/predictions", FORM, 60_000);
    slow.write_all(&[b'x'; 40_000]).unwrap();
    uploads_hold(&server, "images", 40_000).await;
    slow.write_all(PART.as_bytes()).unwrap();
    slow.write_all(&[0; 1000]).unwrap();
    uploads_hold(&server, "images", 41_000 + PART.len()).await;
    drop(slow);
    uploads_hold(&server, "images", 0).await;
}

#[tokio::test]
async fn form_without_parts_is_refused() {
    let server = Server::start();
    for path in ["/v1/predictions", "/v1/predictions:batch", "/v1/fields"] {
        for begun in ["", "--b\r\nContent-Disposition: form-data; name=\""] {
            let form = format!("{begun}{}", "x".repeat(1_000_000));
            let request = server.post(path).header("Content-Type", FORM).body(form);
            let problem = problem(request.send().await.unwrap()).await;
            assert_eq!(problem["status"], 400, "{path}: {problem}");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains("before a part starts"), "{path}: {problem}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stalled_uploads_do_not_block_batches() {
    let server = Server::with(&[("LIMITS__BATCHES_AT_ONCE", "1")]);
    let infer = "/v2/models/cric-lite0/infer";
    let slow = [
        ("/v1/predictions:batch", FORM),
        ("/v1/fields", FORM),
        (infer, "application/json"),
    ]
    .map(|(path, content_type)| begin(&server, path, content_type, 60_000));
    let form = Form::new().part("image", Part::bytes(fixture(CELL)));
    let batch = server.post("/v1/predictions:batch").multipart(form);
    assert_eq!(batch.send().await.unwrap().status(), StatusCode::OK);
    drop(slow);
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_upload_memory_is_limited() {
    let server = Server::with(&[
        ("LIMITS__BATCHES_AT_ONCE", "1"),
        ("LIMITS__MAX_BATCH_BYTES", "60000"),
    ]);
    let mut slow = begin(&server, "/v1/predictions:batch", FORM, 60_000);
    slow.write_all(PART.as_bytes()).unwrap();
    slow.write_all(&[0; 59_000]).unwrap();
    uploads_hold(&server, "batches", 59_000 + PART.len()).await;
    let ask = || {
        let form = Form::new().part("image", Part::bytes(fixture(CELL)));
        let batch = server.post("/v1/predictions:batch").multipart(form);
        batch.send()
    };
    let refused = ask().await.unwrap();
    assert!(refused.headers().contains_key("retry-after"));
    let problem = problem(refused).await;
    assert_eq!(problem["type"], "urn:secondlook:problem:busy", "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("memory"));
    drop(slow);
    uploads_hold(&server, "batches", 0).await;
    assert_eq!(ask().await.unwrap().status(), StatusCode::OK);
    uploads_hold(&server, "batches", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn image_upload_memory_is_limited() {
    let server = Server::with(&[
        ("LIMITS__MAX_IMAGE_BYTES", "60000"),
        ("LIMITS__MAX_WAITING_BYTES", "60000"),
    ]);
    let image = Part::bytes(fixture(CELL));
    let form = Form::new().part("image", image);
    let form = server.post("/v1/predictions").multipart(form);
    for request in [server.predict("", fixture(CELL)), form] {
        let head = "POST /v1/predictions HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 60000\r\n\r\n";
        let mut slow = TcpStream::connect(server.address()).unwrap();
        slow.write_all(head.as_bytes()).unwrap();
        slow.write_all(&[0; 59_000]).unwrap();
        uploads_hold(&server, "images", 59_000).await;
        let refused = request.send().await.unwrap();
        assert!(refused.headers().contains_key("retry-after"));
        let problem = problem(refused).await;
        assert_eq!(problem["type"], "urn:secondlook:problem:busy");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("memory"), "{problem}");
        drop(slow);
        uploads_hold(&server, "images", 0).await;
        let answered = server.predict("", fixture(CELL)).send().await.unwrap();
        assert_eq!(answered.status(), StatusCode::OK);
        uploads_hold(&server, "images", 0).await;
    }
}
