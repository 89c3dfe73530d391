//! Admission, refusal and cancellation of work.

use std::{
    future::poll_fn,
    pin::Pin,
    task::Poll,
    time::{Duration, Instant},
};

use bundle::Method;
use engine::{Engine, EngineConfig, EngineError, Priority, RequestOptions, RequestPlan};

use super::{image, start};
use testkit::tiny;

fn engine(config: EngineConfig) -> (tempfile::TempDir, Engine) {
    let directory = tempfile::tempdir().unwrap();
    tiny::trunk_and_heads(directory.path());
    let engine = start(directory.path(), config).unwrap();
    (directory, engine)
}

/// A request with 200 views. None is answered before this task awaits.
fn long_work(engine: &Engine) -> RequestPlan {
    let options = RequestOptions {
        method: Some(Method::Tta),
        passes: Some(200),
        ..RequestOptions::default()
    };
    engine.plan(options).unwrap()
}

fn short_work(engine: &Engine) -> RequestPlan {
    engine.plan(RequestOptions::default()).unwrap()
}

/// Polls a future once.
async fn is_pending(mut future: impl Future + Unpin) -> bool {
    poll_fn(|context| Poll::Ready(Pin::new(&mut future).poll(context).is_pending())).await
}

#[tokio::test]
async fn work_counts_until_it_is_done() {
    let config = EngineConfig {
        queue_capacity: 100,
        ..EngineConfig::default()
    };
    let (_directory, engine) = engine(config);
    let (long_work, short_work) = (long_work(&engine), short_work(&engine));
    let mut long = Box::pin(engine.predict(&long_work, image(1)));
    assert!(is_pending(&mut long).await);
    let refusal = engine.check(&short_work).unwrap_err();
    assert!(
        matches!(refusal, EngineError::QueueFull { retry_after } if retry_after >= Duration::from_secs(1)),
        "{refusal}"
    );
    drop(long);
    assert!(engine.check(&short_work).is_ok());
    assert!(engine.predict(&short_work, image(2)).await.is_ok());
}

#[tokio::test]
async fn passed_deadline_is_an_error() {
    let (_directory, engine) = engine(EngineConfig::default());
    let late = RequestOptions {
        deadline: Some(Instant::now()),
        ..RequestOptions::default()
    };
    let late = engine.plan(late).unwrap();
    assert!(matches!(
        engine.predict(&late, image(1)).await,
        Err(EngineError::DeadlinePassed)
    ));
    let short_work = short_work(&engine);
    engine.predict(&short_work, image(1)).await.unwrap();
    // The engine has measured the duration of an answer.
    assert!(matches!(
        engine.predict(&late, image(1)).await,
        Err(EngineError::DeadlineTooShort { .. })
    ));
}

#[tokio::test]
async fn work_without_client_is_dropped() {
    let (_directory, engine) = engine(EngineConfig::default());
    let (long_work, short_work) = (long_work(&engine), short_work(&engine));
    for _ in 0..50 {
        let mut given_up = Box::pin(engine.predict(&long_work, image(1)));
        assert!(is_pending(&mut given_up).await);
    }
    // Each left at most a few jobs, which workers discard.
    engine.predict(&short_work, image(2)).await.unwrap();
    assert_eq!(engine.queue_depth(), 0);
}

#[tokio::test]
async fn bulk_work_may_wait_longer() {
    let config = EngineConfig {
        max_wait_seconds: 0.0.try_into().unwrap(),
        ..EngineConfig::default()
    };
    let (_directory, engine) = engine(config);
    let (long_work, short_work) = (long_work(&engine), short_work(&engine));
    engine.predict(&short_work, image(1)).await.unwrap();
    let mut before = Box::pin(engine.predict(&long_work, image(1)));
    assert!(is_pending(&mut before).await);
    let bulk = RequestOptions {
        priority: Priority::Bulk,
        ..RequestOptions::default()
    };
    let bulk = engine.plan(bulk).unwrap();
    assert!(matches!(
        engine.check(&short_work),
        Err(EngineError::QueueFull { .. })
    ));
    assert!(engine.check(&bulk).is_ok());
    assert!(before.await.is_ok());
}
