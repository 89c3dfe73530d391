#![allow(clippy::panic)]
use axum::http::{Request, StatusCode};

use super::{super::fingerprint::HashedBody, *};
use crate::config::Seconds;

fn store(keep_seconds: f64, max_entries: usize, max_bytes: usize) -> Arc<Store> {
    Arc::new(Store::new(&IdempotencyConfig {
        keep_seconds: Seconds::try_from(keep_seconds).unwrap_or_else(|error| panic!("{error}")),
        max_entries,
        max_bytes,
    }))
}

fn name(key: &str) -> Name {
    Name {
        client: None,
        key: key.to_owned(),
    }
}

async fn answer(bytes: usize) -> Answer {
    let (_, body) = HashedBody::within(Request::default());
    let fingerprint = body.finish().await;
    Answer {
        head: Head {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            fingerprint: fingerprint.unwrap_or_else(|| panic!("an empty body has an end")),
        },
        body: vec![0; bytes].into(),
    }
}

fn claim(store: &Arc<Store>, key: &str) -> Claim {
    match store.begin(&name(key)) {
        Begun::First(claim) => claim,
        _ => panic!("`{key}` is not new"),
    }
}

fn is_kept(store: &Arc<Store>, key: &str) -> bool {
    matches!(store.begin(&name(key)), Begun::Kept(_))
}

#[tokio::test]
async fn the_oldest_go_when_there_are_too_many_or_too_large_ones() {
    for store in [store(60.0, 2, 1_000_000), store(60.0, 99, 3 * 2048)] {
        for key in ["a", "b", "c"] {
            claim(&store, key).keep(answer(2048 - 1024 + 1).await);
        }
        assert!(!is_kept(&store, "a") && is_kept(&store, "b") && is_kept(&store, "c"));
        let state = store.lock();
        assert_eq!((state.by_age.len(), state.entries.len()), (2, 2));
        assert_eq!(state.bytes, 2 * 2049);
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_kept_and_drives_no_other_out() {
    let store = store(60.0, 99, 5000);
    claim(&store, "small").keep(answer(10).await);
    claim(&store, "large").keep(answer(5000).await);
    assert!(is_kept(&store, "small") && !is_kept(&store, "large"));
}

#[tokio::test]
async fn answers_are_forgotten_in_time() {
    let store = store(0.5, 99, 1_000_000);
    claim(&store, "a").keep(answer(10).await);
    assert!(is_kept(&store, "a"));
    tokio::time::sleep(Duration::from_millis(510)).await;
    drop(claim(&store, "a"));
    assert_eq!(store.lock().bytes, 0);
}

#[tokio::test]
async fn who_waits_is_woken_when_the_first_gives_up() {
    let store = store(60.0, 99, 1_000_000);
    let first = claim(&store, "a");
    let Begun::Running(mut end) = store.begin(&name("a")) else {
        panic!("the first one is at work");
    };
    drop(first);
    assert!(end.changed().await.is_err());
    claim(&store, "a").keep(answer(10).await);
    let other = Name {
        client: Some("lims".into()),
        key: "a".to_owned(),
    };
    assert!(matches!(store.begin(&other), Begun::First(_)));
}
