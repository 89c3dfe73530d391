//! Training heads: repeatable to the last bit, and able to learn.

use indicatif::ProgressBar;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use secondlook::{
    bundle::Method,
    training::{FeatureMatrix, HeadWeights, Recipe, TrainingCells, fit, member_scores},
};

const CELLS: usize = 120;
const FEATURES: usize = 12;
const CLASSES: usize = 3;

/// Cells whose class shows in their first features, in two views with different noise; far from zero mean on purpose.
fn views() -> (Vec<FeatureMatrix>, Vec<usize>) {
    let classes: Vec<usize> = (0..CELLS).map(|cell| cell % CLASSES).collect();
    let view = |seed| {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut noise = || random.next_u32() as f32 / u32::MAX as f32;
        let value = |(cell, feature): (usize, usize)| {
            5.0 + noise() + if classes[cell] == feature { 1.5 } else { 0.0 }
        };
        let positions =
            (0..CELLS).flat_map(|cell| (0..FEATURES).map(move |feature| (cell, feature)));
        FeatureMatrix {
            dimension: FEATURES,
            values: positions.map(value).collect(),
        }
    };
    (vec![view(1), view(2)], classes.clone())
}

fn recipe(method: Method) -> Recipe {
    let recipe = Recipe::compact(method).unwrap();
    Recipe {
        members: recipe.members.min(5),
        hidden: vec![16],
        batch: 20,
        epochs: 200,
        ..recipe
    }
}

fn trained(method: Method, seed: u64) -> HeadWeights {
    let (views, classes) = views();
    let rows: Vec<usize> = (0..90).collect();
    let cells = TrainingCells {
        views: &views,
        rows: &rows,
        classes: &classes,
        class_count: CLASSES,
    };
    fit(
        &cells,
        &recipe(method),
        seed,
        "test",
        &ProgressBar::hidden(),
    )
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    for method in [Method::Baseline, Method::McDropout, Method::Ensemble] {
        let first = trained(method, 1).to_bytes();
        assert_eq!(first, trained(method, 1).to_bytes(), "{method}");
        assert_ne!(first, trained(method, 2).to_bytes(), "{method}");
    }
}

#[test]
fn heads_learn_what_the_features_show() {
    let (views, classes) = views();
    let held_out: Vec<usize> = (90..CELLS).collect();
    for method in [Method::Baseline, Method::McDropout, Method::Ensemble] {
        let scores = member_scores(&trained(method, 1), &views[0], &held_out);
        let samples = scores.samples(1.0).unwrap();
        let right = samples.iter().zip(&held_out).filter(|(samples, cell)| {
            let summary = secondlook::uncertainty::summarise(samples);
            summary.predicted == classes[**cell]
        });
        let right = right.count();
        assert!(right >= 28, "{method}: only {right} of 30 right");
    }
}

#[test]
fn the_members_of_an_ensemble_differ() {
    let (views, _) = views();
    let scores = member_scores(&trained(Method::Ensemble, 1), &views[0], &[100]);
    assert_eq!(scores.passes, 5);
    let first = &scores.values[..CLASSES];
    assert!(
        scores
            .values
            .chunks(CLASSES)
            .skip(1)
            .all(|member| member != first)
    );
}

#[test]
fn test_time_augmentation_has_no_head_of_its_own() {
    let error = Recipe::compact(Method::Tta).unwrap_err().to_string();
    assert!(error.contains("uses the baseline's head"), "{error}");
}

#[test]
fn heads_are_read_as_they_were_written_and_not_in_another_shape() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("heads.f32");
    let heads = trained(Method::Ensemble, 1);
    heads.write(&path).unwrap();
    assert_eq!(
        HeadWeights::read(&path, heads.shape.clone()).unwrap(),
        heads
    );
    for members in [4, 6] {
        let shape = secondlook::training::HeadShape {
            members,
            ..heads.shape.clone()
        };
        let error = HeadWeights::read(&path, shape).unwrap_err().to_string();
        assert!(error.contains("train again"), "{error}");
    }
}
