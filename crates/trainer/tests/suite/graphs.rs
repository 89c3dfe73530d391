//! The exported graphs in ONNX Runtime agree with the heads in burn.

use std::{fs, path::Path};

use bundle::{Mask, Method, onnx::ModelProto};
use burn::tensor::{Device, Tensor, TensorData};
use engine::draw_mask;
use prost::Message;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use trainer::{
    FEATURE_MASK, FEATURES, FeatureMatrix, HeadBank, HeadShape, HeadWeights, LOGITS, LayerWeights,
    MultiHeadLoss, OnnxGraph, Recipe, baseline_graph, dropout_scores, ensemble_graph,
    mc_dropout_graph, member_scores, view_scores,
};

use testkit::runtime;

const DIMENSION: usize = 40;
const CLASSES: usize = 6;
const CELLS: usize = 7;
const PASSES: usize = 9;

fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count)
        .map(|_| random.next_u32() as f32 / u32::MAX as f32 - 0.5)
        .collect()
}

fn heads(members: usize, hidden: &[usize]) -> HeadWeights {
    let shape = HeadShape {
        members,
        features: DIMENSION,
        hidden: hidden.to_vec(),
        classes: CLASSES,
    };
    let layer = |(seed, (rows, columns)): (u64, (usize, usize))| LayerWeights {
        weight: numbers(members * rows * columns, seed),
        bias: numbers(members * columns, seed + 100),
    };
    let layers = (0..).zip(shape.layers()).map(layer).collect();
    HeadWeights { shape, layers }
}

fn features() -> FeatureMatrix {
    FeatureMatrix {
        dimension: DIMENSION,
        values: numbers(CELLS * DIMENSION, 7),
    }
}

fn open(folder: &Path, model: &ModelProto) -> OnnxGraph {
    let path = folder.join("head.onnx");
    fs::write(&path, model.encode_to_vec()).unwrap();
    OnnxGraph::open(runtime(), &path, LOGITS).unwrap()
}

fn assert_close(expected: &[f32], found: &[f32]) {
    assert_eq!(expected.len(), found.len());
    let difference = expected
        .iter()
        .zip(found)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(difference < 1e-5, "{difference}");
}

#[test]
fn baseline_graph_matches_burn() {
    let folder = tempfile::tempdir().unwrap();
    let cells: Vec<usize> = (0..CELLS).collect();
    for hidden in [vec![], vec![16], vec![16, 8]] {
        let heads = heads(1, &hidden);
        let mut graph = open(folder.path(), &baseline_graph(&heads));
        let found = graph
            .run(&[(FEATURES, vec![7, 40], &features().values)])
            .unwrap();
        assert_close(&member_scores(&heads, &features(), &cells).values, &found);
    }
}

#[test]
fn ensemble_graph_matches_burn() {
    let folder = tempfile::tempdir().unwrap();
    let cells: Vec<usize> = (0..CELLS).collect();
    for hidden in [vec![], vec![16], vec![16, 8]] {
        let heads = heads(5, &hidden);
        let mut graph = open(folder.path(), &ensemble_graph(&heads));
        let found = graph
            .run(&[(FEATURES, vec![7, 40], &features().values)])
            .unwrap();
        let expected = member_scores(&heads, &features(), &cells);
        assert_eq!((expected.passes, expected.classes), (5, CLASSES));
        assert_close(&expected.values, &found);
    }
}

/// Compares the runtime with the trainer; each mask is dropped with probability 0.3.
fn assert_dropout_agrees(hidden: &[usize], masks: &[(&str, usize)]) {
    let folder = tempfile::tempdir().unwrap();
    let cells: Vec<usize> = (0..CELLS).collect();
    let seeds: Vec<u64> = (100..107).collect();
    let heads = heads(1, hidden);
    let mask = |(input, width): &(&str, usize)| Mask {
        input: (*input).to_owned(),
        width: *width,
        drop_probability: 0.3,
    };
    let masks: Vec<Mask> = masks.iter().map(mask).collect();
    let mut graph = open(folder.path(), &mc_dropout_graph(&heads, &masks));
    let drawn = |(stream, mask)| -> Vec<f32> {
        seeds
            .iter()
            .flat_map(|seed| draw_mask(mask, PASSES, *seed, stream))
            .collect()
    };
    let drawn: Vec<Vec<f32>> = (0..).zip(&masks).map(drawn).collect();
    let features = features();
    let mut inputs = vec![(FEATURES, vec![7, 40], features.values.as_slice())];
    for (mask, values) in masks.iter().zip(&drawn) {
        inputs.push((&mask.input, vec![7, 9, mask.width as i64], values));
    }
    let expected = dropout_scores(&heads, &masks, PASSES, &features, &cells, &seeds);
    let (first, second) = (&expected.values[..CLASSES], &expected.values[CLASSES..]);
    assert_ne!(first, &second[..CLASSES], "passes differ");
    assert_close(&expected.values, &graph.run(&inputs).unwrap());
}

#[test]
fn dropout_graph_matches_server_masks() {
    assert_dropout_agrees(&[16], &[("mask_0", 16)]);
    assert_dropout_agrees(&[16, 8], &[("mask_0", 16), ("mask_1", 8)]);
}

#[test]
fn feature_dropout_graph_matches_burn() {
    let features = (FEATURE_MASK, DIMENSION);
    assert_dropout_agrees(&[], &[features]);
    assert_dropout_agrees(&[16, 8], &[features]);
    assert_dropout_agrees(&[16, 8], &[features, ("mask_0", 16), ("mask_1", 8)]);
}

#[test]
fn recipe_masks_match_its_answers() {
    let inputs = |recipe: Recipe| -> Vec<(String, usize, f64)> {
        let masks = recipe.masks(2048).into_iter();
        masks
            .map(|mask| (mask.input, mask.width, mask.drop_probability))
            .collect()
    };
    let paper = |method| Recipe::paper(method, MultiHeadLoss::Individual);
    let feature_mask = || (FEATURE_MASK.to_owned(), 2048, 0.5);
    assert_eq!(inputs(paper(Method::McDropout)), [feature_mask()]);
    for method in [Method::Baseline, Method::Ensemble, Method::Tta] {
        assert_eq!(inputs(paper(method)), []);
    }
    let compact = Recipe::compact(Method::McDropout).unwrap();
    let hidden_mask = || ("mask_0".to_owned(), 256, 0.5);
    assert_eq!(inputs(compact.clone()), [hidden_mask()]);
    let both = Recipe {
        feature_dropout: 0.5,
        ..compact
    };
    assert_eq!(inputs(both), [feature_mask(), hidden_mask()]);
}

#[test]
fn copies_score_like_single_cells() {
    let device = Device::flex();
    let tensor = |seed| {
        let data = TensorData::new(numbers(CELLS * DIMENSION, seed), [CELLS, DIMENSION]);
        Tensor::<2>::from_data(data, &device)
    };
    let values = |logits: Tensor<3>| logits.into_data().iter::<f32>().collect::<Vec<f32>>();
    for hidden in [vec![], vec![16], vec![16, 8]] {
        let head = HeadBank::new(&heads(1, &hidden), &device);
        let copies = [tensor(7), tensor(8), tensor(9)];
        let alone = copies
            .clone()
            .map(|copy| values(head.logits(copy, &[])))
            .concat();
        let together = head.logits_of_copies(Tensor::stack(copies.to_vec(), 0), &[]);
        assert_eq!(together.dims(), [3, CELLS, CLASSES]);
        assert_close(&alone, &values(together));
    }
}

#[test]
fn view_scores_match_single_views() {
    let (heads, first) = (heads(1, &[16]), features());
    let second = FeatureMatrix {
        dimension: DIMENSION,
        values: numbers(CELLS * DIMENSION, 8),
    };
    let together = view_scores(&heads, &[first.clone(), second.clone()], &[2, 5]);
    let alone = [&first, &second].map(|view| member_scores(&heads, view, &[5]).values);
    assert_eq!(together.passes, 2);
    assert_eq!(together.values[2 * CLASSES..], alone.concat());
}
