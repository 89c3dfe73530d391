//! Training heads: bit-identical when repeated, and able to learn.

use std::path::Path;

use bundle::Method;
use clap::ValueEnum;
use indicatif::ProgressBar;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use trainer::{
    CellScores, Copies, FeatureMatrix, FitContext, HeadWeights, MultiHeadLoss, OptimiserSettings,
    Recipe, TrainingCells, TrainingError, dropout_scores, fit, member_scores, view_scores,
};

const CELLS: usize = 120;
const FEATURES: usize = 12;
const CLASSES: usize = 3;
const ABNORMAL: [bool; CLASSES] = [false, true, true];

/// Cells whose class depends on their first features, in two views with different noise. Their mean
/// is far from zero on purpose.
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
        validation: &[],
        classes: &classes,
        abnormal: &ABNORMAL,
    };
    fit_named(&cells, &recipe(method), seed, None).unwrap()
}

fn fit_named(
    cells: &TrainingCells<'_>,
    recipe: &Recipe,
    seed: u64,
    checkpoint: Option<&Path>,
) -> Result<HeadWeights, TrainingError> {
    let context = FitContext {
        seed,
        purpose: "test",
        checkpoint,
        progress: &ProgressBar::hidden(),
    };
    fit(cells, recipe, &context)
}

#[test]
fn heads_depend_on_the_seed() {
    for method in [Method::Baseline, Method::McDropout, Method::Ensemble] {
        let first = trained(method, 1).to_bytes();
        assert_eq!(first, trained(method, 1).to_bytes(), "{method}");
        assert_ne!(first, trained(method, 2).to_bytes(), "{method}");
    }
}

#[test]
fn heads_learn_separable_classes() {
    let (views, _) = views();
    let held_out: Vec<usize> = (90..CELLS).collect();
    for method in [Method::Baseline, Method::McDropout, Method::Ensemble] {
        let scores = member_scores(&trained(method, 1), &views[0], &held_out);
        let right = right(&scores, &held_out);
        assert!(right >= 28, "{method}: only {right} of 30 right");
    }
}

/// The paper's heads in a small size, with a rate and a number of copies that learn quickly.
fn small_paper(method: Method, loss: MultiHeadLoss) -> Recipe {
    let recipe = Recipe::paper(method, loss);
    Recipe {
        members: recipe.members.min(4),
        hidden: vec![24, 12],
        copies: match recipe.copies {
            Copies::Dropped(_) => Copies::Dropped(4),
            other => other,
        },
        dropout: 0.1,
        feature_dropout: recipe.feature_dropout / 5.0,
        optimiser: OptimiserSettings {
            head_rate: 5e-3,
            ..recipe.optimiser
        },
        batch: 30,
        ..recipe
    }
}

fn fit_to(recipe: &Recipe, rows: usize, checkpoint: Option<&Path>) -> HeadWeights {
    let (views, classes) = views();
    let rows: Vec<usize> = (0..rows).collect();
    let (validation, learnt) = rows.split_at(18);
    let cells = TrainingCells {
        views: &views,
        rows: learnt,
        validation,
        classes: &classes,
        abnormal: &ABNORMAL,
    };
    fit_named(&cells, recipe, 1, checkpoint).unwrap()
}

fn right(scores: &CellScores, cells: &[usize]) -> usize {
    let (_, classes) = views();
    let samples = scores.samples(1.0).unwrap();
    let right = samples
        .iter()
        .zip(cells)
        .filter(|(samples, cell)| uncertainty::summarise(samples).predicted == classes[**cell]);
    right.count()
}

#[test]
fn paper_models_learn_with_every_loss() {
    let (views, _) = views();
    let held_out: Vec<usize> = (90..CELLS).collect();
    let seeds: Vec<u64> = held_out.iter().map(|cell| *cell as u64).collect();
    for method in Method::ALL {
        for loss in MultiHeadLoss::value_variants() {
            let recipe = small_paper(method, *loss);
            let heads = fit_to(&recipe, 90, None);
            let scores = match method {
                Method::McDropout => {
                    let masks = recipe.masks(FEATURES);
                    dropout_scores(&heads, &masks, 8, &views[0], &held_out, &seeds)
                }
                Method::Tta => view_scores(&heads, &views, &held_out),
                _ => member_scores(&heads, &views[0], &held_out),
            };
            let right = right(&scores, &held_out);
            assert!(right >= 27, "{method} {loss:?}: only {right} of 30 right");
        }
    }
}

#[test]
fn paper_heads_differ_without_checkpoint() {
    let recipe = Recipe {
        hidden: vec![8, 6],
        epochs: 2,
        ..Recipe::paper(Method::Ensemble, MultiHeadLoss::Individual)
    };
    let folder = tempfile::tempdir().unwrap();
    let heads = fit_to(&recipe, 90, Some(&folder.path().join("heads.checkpoint")));
    assert_eq!(heads.shape.members, 50);
    let mut first_layers: Vec<&[f32]> = heads.layers[0].weight.chunks(FEATURES * 8).collect();
    first_layers.sort_by(|a, b| a.partial_cmp(b).unwrap());
    first_layers.dedup();
    assert_eq!(first_layers.len(), 50);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn untrainable_input_is_refused() {
    let (views, classes) = views();
    let cells = TrainingCells {
        views: &views,
        rows: &[0, 1],
        validation: &[],
        classes: &classes,
        abnormal: &ABNORMAL,
    };
    let paper = |method| Recipe::paper(method, MultiHeadLoss::Individual);
    let refused = |cells: &TrainingCells<'_>, recipe: &Recipe| {
        let error = fit_named(cells, recipe, 1, None).unwrap_err();
        error.to_string()
    };
    let two_heads = Recipe {
        members: 2,
        ..paper(Method::Tta)
    };
    assert!(refused(&cells, &two_heads).contains("one head"));
    let all_dropped = Recipe {
        feature_dropout: 1.0,
        ..paper(Method::McDropout)
    };
    assert!(refused(&cells, &all_dropped).contains("dropout"));
    let baseline = paper(Method::Baseline);
    let nothing = TrainingCells { rows: &[], ..cells };
    assert!(refused(&nothing, &baseline).contains("no cells"));
    let elsewhere = TrainingCells {
        validation: &[CELLS],
        ..cells
    };
    assert!(refused(&elsewhere, &baseline).contains("is not from 0 to"));
    let infinite = [FeatureMatrix {
        dimension: FEATURES,
        values: vec![f32::INFINITY; CELLS * FEATURES],
    }];
    let infinite = TrainingCells {
        views: &infinite,
        ..cells
    };
    assert!(refused(&infinite, &baseline).contains("infinite or NaN"));
}

#[test]
fn ensemble_members_differ() {
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
fn tta_head_is_refused() {
    let error = Recipe::compact(Method::Tta).unwrap_err().to_string();
    assert!(error.contains("uses the baseline's head"), "{error}");
}

#[test]
fn heads_survive_writing_and_reading() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("heads.f32");
    let heads = trained(Method::Ensemble, 1);
    heads.write(&path).unwrap();
    assert_eq!(
        HeadWeights::read(&path, heads.shape.clone()).unwrap(),
        heads
    );
    for members in [4, 6] {
        let shape = trainer::HeadShape {
            members,
            ..heads.shape.clone()
        };
        let error = HeadWeights::read(&path, shape).unwrap_err().to_string();
        assert!(error.contains("train again"), "{error}");
    }
}

/// The answers of small heads of both presets for a few cells, to two digits.
pub fn outline() -> Vec<String> {
    let (views, _) = views();
    let cells = [90, 91, 92];
    let few = |recipe: Recipe| Recipe {
        epochs: 5,
        ..recipe
    };
    let recipes = [
        few(recipe(Method::Ensemble)),
        few(small_paper(Method::McDropout, MultiHeadLoss::MixtureNll)),
        few(small_paper(Method::Tta, MultiHeadLoss::MetaIndividual)),
    ];
    let said = |recipe: &Recipe| {
        let scores = member_scores(&fit_to(recipe, 90, None), &views[0], &cells);
        let means = scores.cells().flat_map(|cell| {
            let class = |class| cell.iter().skip(class).step_by(CLASSES).sum::<f32>();
            (0..CLASSES).map(class).collect::<Vec<f32>>()
        });
        means
            .map(|mean| format!("{mean:.1e}"))
            .collect::<Vec<String>>()
    };
    recipes.iter().flat_map(said).collect()
}
