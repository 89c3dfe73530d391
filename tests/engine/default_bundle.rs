//! The default bundle, whose trunk is a real network: what small graphs cannot show.

use std::{fs, path::Path};

use bytes::Bytes;
use secondlook::{
    bundle::Method,
    config::EngineConfig,
    engine::{Engine, PredictRequest},
};

use super::start;

const BUNDLE: &str = "models/cric-lite0";

fn cells() -> Vec<Bytes> {
    let mut files: Vec<_> = fs::read_dir("examples/cells")
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
    let request = PredictRequest {
        image,
        method: Some(method),
        passes: (method == Method::Tta).then_some(6),
        ..PredictRequest::default()
    };
    engine
        .predict(request)
        .await
        .unwrap()
        .answer
        .samples
        .values()
        .to_vec()
}

#[tokio::test]
async fn an_answer_is_the_same_to_the_last_bit_whatever_it_was_batched_with() {
    let engine = start(Path::new(BUNDLE), EngineConfig::default()).unwrap();
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
