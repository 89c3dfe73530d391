//! Early stopping of test-time augmentation on the default bundle.

use std::fs;

use bundle::Method;
use engine::{Engine, EngineConfig, Prediction, Priority, RequestOptions};

use super::{predict, start};

const BUNDLE: &str = "models/cric-lite0";

async fn ask(engine: &Engine, cell: &str, exact: bool) -> Prediction {
    let file = testkit::path(format!("examples/cells/{cell}.png"));
    let image = fs::read(file).unwrap();
    let options = RequestOptions {
        method: Some(Method::Tta),
        exact,
        priority: Priority::Bulk,
        ..RequestOptions::default()
    };
    predict(engine, options, image.into()).await.unwrap()
}

#[tokio::test]
async fn early_stop_keeps_the_decision() {
    let engine = start(&testkit::path(BUNDLE), EngineConfig::default()).unwrap();
    let mut saved = 0;
    for cell in ["nilm", "asc-us", "lsil", "asc-h", "hsil", "scc"] {
        let (some, all) = (
            ask(&engine, cell, false).await.answer,
            ask(&engine, cell, true).await.answer,
        );
        assert_eq!((all.samples.passes(), all.requested), (50, 50), "{cell}");
        let used = some.samples.passes();
        assert_eq!(some.decision, all.decision, "{cell}");
        assert_eq!(some.requested, 50);
        let first = &all.samples.values()[..used * all.samples.classes()];
        assert_eq!(some.samples.values(), first, "{cell}: {used} views");
        saved += 50 - used;
    }
    assert!(saved > 0, "no cell stopped early");
}

#[tokio::test]
async fn view_count_does_not_depend_on_batches() {
    let config = |workers, max_batch| EngineConfig {
        workers,
        max_batch,
        ..EngineConfig::default()
    };
    let mut used = Vec::new();
    for (workers, max_batch) in [(1, 1), (2, 1), (3, 8)] {
        let bundle = bundle::Bundle::open(&testkit::path(BUNDLE)).unwrap();
        let limits = imaging::Limits::default();
        let config = config(workers, max_batch);
        let engine = Engine::start(&config, limits, testkit::runtime(), vec![bundle]).unwrap();
        let mut views = Vec::new();
        for cell in ["nilm", "asc-us", "hsil"] {
            views.push(ask(&engine, cell, false).await.answer.samples.passes());
        }
        used.push(views);
    }
    assert_eq!(used[0], used[1]);
    assert_eq!(used[0], used[2]);
}
