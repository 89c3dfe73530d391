//! Compares the exported heads in ONNX Runtime with the trained ones.

use crate::{
    TrainingError,
    error::{ensure, impossible},
    fit::FoldModel,
    score::{CellScores, PASSES, head_scores},
    session::TrainingSession,
    trunks::{OnnxGraph, features::FeatureMatrix},
};
use bundle::{Bundle, Method};
use engine::draw_masks;

/// Number of cells that are compared.
const CELLS: usize = 16;

/// Largest difference of a probability that counts as rounding.
const TOLERANCE: f64 = 1e-5;

/// Compares the probabilities of some cells and returns the largest difference.
///
/// # Errors
/// [`TrainingError::Impossible`] if a difference is more than rounding.
pub(crate) fn verify(
    session: &TrainingSession,
    model: &FoldModel,
    bundle: &Bundle,
) -> Result<f64, TrainingError> {
    let study = &session.study;
    let mut rows = study.fold_rows();
    rows.truncate(CELLS);
    let plain = session.plain_features(&model.trunk, &rows)?;
    let mut largest = 0.0_f64;
    for method in model.heads.keys().copied() {
        let expected = head_scores(study, model, method, &plain, &rows)?;
        let found = runtime_scores(session, (model, bundle), method, &rows, &plain)?;
        let difference = largest_difference(&expected, &found)?;
        ensure!(
            difference <= TOLERANCE,
            "the exported {method} head differs from the trained one by {difference:.1e}, which is \
             more than rounding: run `export` again"
        );
        largest = largest.max(difference);
    }
    Ok(largest)
}

/// The scores of the bundle's graph for cells with features `plain`.
fn runtime_scores(
    session: &TrainingSession,
    (model, bundle): (&FoldModel, &Bundle),
    method: Method,
    rows: &[usize],
    plain: &FeatureMatrix,
) -> Result<CellScores, TrainingError> {
    let missing = || impossible!("the exported bundle has no {method} head: run `export` again");
    let head = bundle.manifest().head(method).ok_or_else(missing)?;
    let path = bundle.path_of(&head.file);
    let mut graph = OnnxGraph::open(&session.runtime, &path, &head.output)?;
    let masks = match method {
        Method::McDropout => model.masks.as_slice(),
        _ => &[],
    };
    let size = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let mut values = Vec::new();
    for (cell, row) in rows.iter().enumerate() {
        let features = plain.row(cell);
        let drawn = draw_masks(masks, PASSES, &[session.study.cell_seeds[*row]]);
        let mut inputs = vec![(head.input.as_str(), vec![1, size(features.len())], features)];
        for (mask, values) in masks.iter().zip(&drawn) {
            inputs.push((&mask.input, vec![1, size(PASSES), size(mask.width)], values));
        }
        values.extend(graph.run(&inputs)?);
    }
    let classes = session.study.grouping.classes();
    Ok(CellScores {
        passes: values.len() / (classes * rows.len().max(1)),
        classes,
        values,
    })
}

fn largest_difference(expected: &CellScores, found: &CellScores) -> Result<f64, TrainingError> {
    ensure!(
        expected.values.len() == found.values.len(),
        "the output of the exported head has another shape: run `export` again"
    );
    let (expected, found) = (expected.samples(1.0)?, found.samples(1.0)?);
    let cells = expected.iter().zip(&found);
    let values = cells.flat_map(|(expected, found)| expected.values().iter().zip(found.values()));
    let differences = values.map(|(expected, found)| (expected - found).abs());
    Ok(differences.fold(0.0, f64::max))
}
