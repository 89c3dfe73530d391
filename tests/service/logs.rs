//! A log that cannot be written loses lines, and never delays an answer.

use std::{
    fs::File,
    io::{self, Read, Write},
    process::Stdio,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use reqwest::StatusCode;

use super::server::{CELL, MODELS, Server, fixture, program};

/// Bytes that a pipe buffers on Linux by default.
const PIPE_BYTES: u64 = 65_536;
/// Longest time for an answer on a slow machine.
const LONGEST: Duration = Duration::from_secs(60);

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

async fn is_alive(server: &Server) {
    let live = server.get("/health/live").timeout(LONGEST);
    assert_eq!(live.send().await.unwrap().status(), StatusCode::OK);
    let answered = server.predict("", fixture(CELL)).timeout(LONGEST);
    assert_eq!(answered.send().await.unwrap().status(), StatusCode::OK);
}

async fn lost_lines(server: &Server) -> u64 {
    let metrics = server.text("/metrics").await;
    let name = "secondlook_log_lines_lost_total ";
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{metrics}")).parse().unwrap()
}

/// Waits for more lost lines than `before`.
async fn until_more_are_lost(server: &Server, before: u64) {
    let started = Instant::now();
    while lost_lines(server).await <= before {
        assert!(started.elapsed() < LONGEST, "no line counts as lost");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn full_disk_does_not_stop_answers() {
    let mut server = Server::with_stderr(full(), &[]);
    is_alive(&server).await;
    let before = lost_lines(&server).await;
    is_alive(&server).await;
    until_more_are_lost(&server, before).await;
    server.signal("TERM");
    assert!(server.wait(LONGEST).success());
}

#[tokio::test]
async fn closed_log_pipe_does_not_stop_answers() {
    let (reader, pipe) = io::pipe().unwrap();
    drop(reader);
    let mut server = Server::with_stderr(pipe, &[("LOG__FORMAT", "json")]);
    is_alive(&server).await;
    until_more_are_lost(&server, 0).await;
    is_alive(&server).await;
    server.signal("TERM");
    assert!(server.wait(LONGEST).success());
}

#[tokio::test(flavor = "multi_thread")]
async fn unread_log_does_not_stop_answers() {
    let (mut reader, pipe) = io::pipe().unwrap();
    let mut server = Server::with_stderr(pipe, &[]);
    assert_eq!(lost_lines(&server).await, 0);
    // Far more lines than the pipe and the queue can hold.
    let ask = |_| server.get("/health/live").timeout(LONGEST).send();
    let answers = stream::iter(0..12_000).map(ask).buffer_unordered(16);
    answers
        .for_each(async |answer| assert_eq!(answer.unwrap().status(), StatusCode::OK))
        .await;
    is_alive(&server).await;
    until_more_are_lost(&server, 0).await;
    // The process does not wait for a reader when it ends, either.
    server.signal("TERM");
    assert!(server.wait(LONGEST).success());
    let mut log = String::new();
    reader.read_to_string(&mut log).unwrap();
    assert!(u64::try_from(log.len()).unwrap() >= PIPE_BYTES / 2);
    assert!(log.lines().any(|line| line.contains("/health/live")));
}

#[tokio::test]
async fn last_lines_are_written_at_exit() {
    let mut server = Server::start();
    is_alive(&server).await;
    server.signal("TERM");
    assert!(server.wait(LONGEST).success());
    let log = server.log();
    assert!(
        log.contains("/v1/predictions") && log.contains("shutting down"),
        "{log}"
    );
}

/// Output to a supervisor that has stopped reading: the pipe is full before the server starts.
#[test]
fn blocked_stdout_does_not_stop_serving() {
    let (_reader, mut pipe) = io::pipe().unwrap();
    let filled = vec![b'x'; usize::try_from(PIPE_BYTES).unwrap()];
    pipe.write_all(&filled).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap();
    drop(port);
    let mut serve = program();
    serve
        .args(["serve", "--models", MODELS, "--listen"])
        .arg(address.to_string())
        .stdout(pipe.try_clone().unwrap())
        .stderr(pipe);
    let mut child = serve.spawn().unwrap();
    let started = Instant::now();
    let ready = || {
        let mut asked = program();
        asked
            .args(["healthcheck", "--listen"])
            .arg(address.to_string());
        asked.stderr(Stdio::null()).status().unwrap().success()
    };
    let mut is_ready = ready();
    while !is_ready && started.elapsed() < LONGEST {
        std::thread::sleep(Duration::from_millis(50));
        is_ready = ready();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(is_ready);
}

#[cfg(target_os = "linux")]
#[test]
fn unwritable_output_keeps_exit_codes() {
    let predict = ["predict", "Cargo.toml", "--models", MODELS];
    let cases: [(&[&str], i32); 3] = [
        (&predict, 1),
        (&["bundles", "check", "absent"], 1),
        (&["serve", "--config", "absent.toml"], 2),
    ];
    for (arguments, code) in cases {
        let status = program().args(arguments).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(code), "{arguments:?}");
    }
    for arguments in [
        &["keys", "new", "lims"][..],
        &["config"],
        &["openapi"],
        &["doctor"],
    ] {
        let mut command = program();
        let status = command.args(arguments).stdout(full()).stderr(Stdio::null());
        assert_eq!(status.status().unwrap().code(), Some(2), "{arguments:?}");
    }
}

/// Like `| head -1`.
#[test]
fn closed_stdout_is_no_failure() {
    for command in ["config", "openapi"] {
        let (reader, pipe) = io::pipe().unwrap();
        drop(reader);
        let status = program().arg(command).stdout(pipe).status().unwrap();
        assert!(status.success(), "{command}: {status}");
    }
}
