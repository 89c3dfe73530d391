//! Answers of the four methods.

use bundle::Method;
use engine::{EngineConfig, EngineError, RequestOptions};

use super::{image, predict, predict_patiently, start};
use testkit::tiny;

fn tiny_engine() -> (tempfile::TempDir, engine::Engine) {
    let directory = tempfile::tempdir().unwrap();
    tiny::trunk_and_heads(directory.path());
    let engine = start(directory.path(), EngineConfig::default()).unwrap();
    (directory, engine)
}

#[tokio::test]
async fn each_method_gives_its_sample_count() {
    let (_directory, engine) = tiny_engine();
    for (method, passes) in [
        (Method::Baseline, 1),
        (Method::McDropout, 50),
        (Method::Ensemble, 4),
        (Method::Tta, 10),
    ] {
        let asked = RequestOptions {
            method: Some(method),
            ..RequestOptions::default()
        };
        let answer = predict(&engine, asked, image(1)).await.unwrap().answer;
        assert_eq!((answer.method, answer.samples.passes()), (method, passes));
        assert_eq!(answer.summary.variance.is_some(), passes > 1, "{method}");
        if passes > 1 {
            assert!(
                answer.summary.mutual_information > 0.0,
                "{method} gives the same sample again and again"
            );
        }
    }
}

#[tokio::test]
async fn same_seed_gives_same_samples() {
    let (_directory, engine) = tiny_engine();
    for method in Method::ALL {
        let asked = RequestOptions {
            method: Some(method),
            seed: Some(7),
            ..RequestOptions::default()
        };
        let alone = predict(&engine, asked.clone(), image(1))
            .await
            .unwrap()
            .answer
            .samples;
        let crowd = (0..24).map(|variant| {
            let other = RequestOptions {
                method: Some(Method::Tta),
                ..RequestOptions::default()
            };
            let (asked, image) = if variant % 3 == 0 {
                (asked.clone(), image(1))
            } else {
                (other, image(variant))
            };
            let engine = engine.clone();
            tokio::spawn(async move {
                let answered = predict_patiently(&engine, asked, image).await;
                (variant, answered.unwrap())
            })
        });
        for task in crowd.collect::<Vec<_>>() {
            let (variant, prediction) = task.await.unwrap();
            if variant % 3 == 0 {
                assert_eq!(
                    prediction.answer.samples.values(),
                    alone.values(),
                    "{method} in a crowd"
                );
            }
        }
        let beside = RequestOptions {
            method: Some(Method::Baseline),
            compare: vec![method],
            seed: Some(7),
            ..RequestOptions::default()
        };
        let compared = predict(&engine, beside, image(1))
            .await
            .unwrap()
            .comparisons
            .remove(0)
            .samples;
        assert_eq!(
            compared.values(),
            alone.values(),
            "{method} as a comparison"
        );
    }
}

#[tokio::test]
async fn other_seed_gives_other_samples() {
    let (_directory, engine) = tiny_engine();
    for method in [Method::McDropout, Method::Tta] {
        let with = |seed| RequestOptions {
            method: Some(method),
            seed: Some(seed),
            ..RequestOptions::default()
        };
        let first = predict(&engine, with(1), image(1))
            .await
            .unwrap()
            .answer
            .samples;
        let second = predict(&engine, with(2), image(1))
            .await
            .unwrap()
            .answer
            .samples;
        assert_ne!(first.values(), second.values(), "{method}");
    }
}

#[tokio::test]
async fn fewer_passes_are_a_prefix() {
    let (_directory, engine) = tiny_engine();
    for method in [Method::McDropout, Method::Ensemble, Method::Tta] {
        let with = |passes| RequestOptions {
            method: Some(method),
            passes: Some(passes),
            seed: Some(3),
            ..RequestOptions::default()
        };
        let few = predict(&engine, with(2), image(1))
            .await
            .unwrap()
            .answer
            .samples;
        let more = predict(&engine, with(4), image(1))
            .await
            .unwrap()
            .answer
            .samples;
        for (few, more) in few.values().iter().zip(more.values()) {
            assert!((few - more).abs() < 1e-6, "{method}");
        }
    }
}

#[tokio::test]
async fn impossible_options_are_refused() {
    let (_directory, engine) = tiny_engine();
    let passes = |method, passes| RequestOptions {
        method: Some(method),
        passes: Some(passes),
        ..RequestOptions::default()
    };
    for asked in [
        passes(Method::Baseline, 5),
        passes(Method::McDropout, 0),
        passes(Method::McDropout, 100_000),
        passes(Method::Ensemble, 5),
    ] {
        let refusal = predict(&engine, asked, image(1)).await.unwrap_err();
        assert!(
            matches!(refusal, EngineError::InvalidPasses { .. }),
            "{refusal}"
        );
    }
    let policy = RequestOptions {
        policy: Some("none".to_owned()),
        ..RequestOptions::default()
    };
    assert!(matches!(
        predict(&engine, policy, image(1)).await,
        Err(EngineError::UnknownPolicy { .. })
    ));
    let model = RequestOptions {
        model: Some("other".to_owned()),
        ..RequestOptions::default()
    };
    assert!(matches!(
        predict(&engine, model, image(1)).await,
        Err(EngineError::UnknownModel { .. })
    ));
}

#[tokio::test]
async fn full_queue_refuses_with_retry_after() {
    let directory = tempfile::tempdir().unwrap();
    tiny::trunk_and_heads(directory.path());
    let config = EngineConfig {
        queue_capacity: 1,
        ..EngineConfig::default()
    };
    let engine = start(directory.path(), config).unwrap();
    let asked = RequestOptions {
        method: Some(Method::McDropout),
        passes: Some(200),
        ..RequestOptions::default()
    };
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let (engine, asked) = (engine.clone(), asked.clone());
            tokio::spawn(async move { predict(&engine, asked, image(1)).await })
        })
        .collect();
    let mut answered = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => answered += 1,
            Err(EngineError::QueueFull { retry_after }) => assert!(retry_after.as_secs() >= 1),
            Err(other) => panic!("{other}"),
        }
    }
    assert!(answered >= 1);
}

#[tokio::test]
async fn draining_refuses_new_work() {
    let (_directory, engine) = tiny_engine();
    engine.begin_drain();
    assert!(matches!(
        predict(&engine, RequestOptions::default(), image(1)).await,
        Err(EngineError::Draining)
    ));
}

/// The answer of a bundle by a method.
async fn samples_of(directory: &std::path::Path, method: Method) -> Vec<f64> {
    let engine = start(directory, EngineConfig::default()).unwrap();
    let asked = RequestOptions {
        method: Some(method),
        seed: Some(7),
        ..RequestOptions::default()
    };
    let answer = predict(&engine, asked, image(1)).await.unwrap().answer;
    answer.samples.values().to_vec()
}

#[tokio::test]
async fn views_use_their_own_head() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    tiny::trunk_and_heads(path);
    let shared = samples_of(path, Method::Tta).await;
    let baseline = samples_of(path, Method::Baseline).await;

    tiny::give_views_a_head(path);
    let own = samples_of(path, Method::Tta).await;
    assert_ne!(own, shared);
    assert_eq!(samples_of(path, Method::Baseline).await, baseline);

    tiny::give_the_baseline_the_head_of_views(path);
    assert_ne!(samples_of(path, Method::Baseline).await, baseline);
    assert_eq!(samples_of(path, Method::Tta).await, own);
}
