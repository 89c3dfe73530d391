//! What the engine takes on, what it refuses, and what it gives up.

use std::{
    future::poll_fn,
    pin::Pin,
    task::Poll,
    time::{Duration, Instant},
};

use bundle::Method;
use engine::{Engine, EngineConfig, EngineError, PredictRequest, Priority};

use super::{request, start};
use testkit::tiny;

fn engine(config: EngineConfig) -> (tempfile::TempDir, Engine) {
    let directory = tempfile::tempdir().unwrap();
    tiny::trunk_and_heads(directory.path());
    let engine = start(directory.path(), config).unwrap();
    (directory, engine)
}

/// Two hundred views, of which none is answered before this task waits for something.
fn long_work() -> PredictRequest {
    PredictRequest {
        method: Some(Method::Tta),
        passes: Some(200),
        ..request(1)
    }
}

/// Polls a future once.
async fn is_pending(mut future: impl Future + Unpin) -> bool {
    poll_fn(|context| Poll::Ready(Pin::new(&mut future).poll(context).is_pending())).await
}

#[tokio::test]
async fn work_counts_until_it_is_done_and_no_longer() {
    let config = EngineConfig {
        queue_capacity: 100,
        ..EngineConfig::default()
    };
    let (_directory, engine) = engine(config);
    let mut long = Box::pin(engine.predict(long_work()));
    assert!(is_pending(&mut long).await);
    let refusal = engine.check(&request(2)).unwrap_err();
    assert!(
        matches!(refusal, EngineError::QueueFull { retry_after } if retry_after >= Duration::from_secs(1)),
        "{refusal}"
    );
    drop(long);
    assert!(engine.check(&request(2)).is_ok());
    assert!(engine.predict(request(2)).await.is_ok());
}

#[tokio::test]
async fn a_deadline_that_has_passed_is_said_and_nothing_is_answered_late() {
    let (_directory, engine) = engine(EngineConfig::default());
    let late = PredictRequest {
        deadline: Some(Instant::now()),
        ..request(1)
    };
    assert!(matches!(
        engine.predict(late.clone()).await,
        Err(EngineError::DeadlinePassed)
    ));
    engine.predict(request(1)).await.unwrap();
    // Now the engine knows how long an answer takes.
    assert!(matches!(
        engine.predict(late).await,
        Err(EngineError::DeadlineTooShort { .. })
    ));
}

#[tokio::test]
async fn work_that_nobody_waits_for_is_not_done() {
    let (_directory, engine) = engine(EngineConfig::default());
    for _ in 0..50 {
        let mut given_up = Box::pin(engine.predict(long_work()));
        assert!(is_pending(&mut given_up).await);
    }
    // Each left at most a few jobs, which are thrown away as soon as a worker sees them.
    engine.predict(request(2)).await.unwrap();
    assert_eq!(engine.queue_depth(), 0);
}

#[tokio::test]
async fn bulk_work_waits_longer_than_an_upload_may() {
    let config = EngineConfig {
        max_wait_seconds: 0.0.try_into().unwrap(),
        ..EngineConfig::default()
    };
    let (_directory, engine) = engine(config);
    engine.predict(request(1)).await.unwrap();
    let mut before = Box::pin(engine.predict(long_work()));
    assert!(is_pending(&mut before).await);
    let bulk = PredictRequest {
        priority: Priority::Bulk,
        ..request(3)
    };
    assert!(matches!(
        engine.check(&request(3)),
        Err(EngineError::QueueFull { .. })
    ));
    assert!(engine.check(&bulk).is_ok());
    assert!(before.await.is_ok());
}
