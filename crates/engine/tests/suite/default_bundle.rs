//! The default bundle, whose trunk is a real network.

use std::fs;

use bundle::{Bundle, Method};
use bytes::Bytes;
use engine::{Engine, EngineConfig, Priority, RequestOptions};
use imaging::Limits;

use super::{predict_patiently, start};
use testkit::runtime;

const BUNDLE: &str = "models/cric-lite0";

fn cells() -> Vec<Bytes> {
    let mut files: Vec<_> = fs::read_dir(testkit::path("examples/cells"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "png"))
        .collect();
    files.sort();
    files
        .iter()
        .map(|path| Bytes::from(fs::read(path).unwrap()))
        .collect()
}

async fn samples(engine: Engine, image: Bytes, method: Method) -> Vec<f64> {
    let options = RequestOptions {
        method: Some(method),
        passes: (method == Method::Tta).then_some(6),
        exact: true,
        priority: Priority::Bulk,
        ..RequestOptions::default()
    };
    predict_patiently(&engine, options, image.into())
        .await
        .unwrap()
        .answer
        .samples
        .values()
        .to_vec()
}

#[tokio::test]
async fn answers_do_not_depend_on_the_batch() {
    let own = Engine::start(
        &EngineConfig::default(),
        Limits::default(),
        runtime(),
        vec![Bundle::open(&testkit::path(BUNDLE)).unwrap()],
    );
    // Batches of eight on one core each, and single images on all cores.
    for engine in [start(&testkit::path(BUNDLE), EngineConfig::default()), own] {
        compare_alone_with_a_crowd(&engine.unwrap()).await;
    }
}

async fn compare_alone_with_a_crowd(engine: &Engine) {
    let cells = cells();
    assert_eq!(cells.len(), 6);
    for method in Method::ALL {
        let mut alone = Vec::new();
        for cell in &cells {
            alone.push(samples(engine.clone(), cell.clone(), method).await);
        }
        let crowd: Vec<_> = (0..32)
            .map(|number| {
                let index = number % cells.len();
                let task = samples(engine.clone(), cells[index].clone(), method);
                (index, tokio::spawn(task))
            })
            .collect();
        for (index, task) in crowd {
            assert_eq!(task.await.unwrap(), alone[index], "{method}");
        }
    }
}
