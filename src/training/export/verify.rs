//! Whether ONNX Runtime says of the exported heads what the trainer says.

use crate::training::{
    CellScores, Graph, Part, Recipe, Study, TrainingError,
    calibration::held_out::{CALIBRATION_FOLD, HEAD_METHODS, PASSES, head_scores},
    export::write::BundleHeads,
};
use crate::{
    bundle::{Bundle, Method},
    engine::{Runtime, draw_masks},
};

/// Cells that are compared.
const CELLS: usize = 16;

/// The largest difference of a probability that is taken for rounding.
const TOLERANCE: f64 = 1e-5;

/// Compares the probabilities of some calibration cells and returns the largest difference.
///
/// # Errors
/// [`TrainingError::Impossible`] when a difference is more than rounding.
pub fn verify(study: &Study, runtime: &Runtime, bundle: &Bundle) -> Result<f64, TrainingError> {
    let heads = BundleHeads::read(study)?;
    let rows: Vec<usize> = study
        .rows_in(Part::Fold(CALIBRATION_FOLD))
        .into_iter()
        .take(CELLS)
        .collect();
    let mut largest = 0.0_f64;
    for method in HEAD_METHODS {
        let Some(trained) = heads.of_method.get(&method) else {
            continue;
        };
        let expected = head_scores(study, method, trained, &rows)?;
        let found = runtime_scores(study, runtime, bundle, method, &rows)?;
        let difference = largest_difference(&expected, &found)?;
        if difference > TOLERANCE {
            let reason = format!(
                "the exported {method} head differs from the trained one by {difference:.1e}: run `export` again"
            );
            return Err(TrainingError::Impossible(reason));
        }
        largest = largest.max(difference);
    }
    Ok(largest)
}

fn runtime_scores(
    study: &Study,
    runtime: &Runtime,
    bundle: &Bundle,
    method: Method,
    rows: &[usize],
) -> Result<CellScores, TrainingError> {
    let missing = || TrainingError::Impossible(format!("the bundle has no {method} head"));
    let head = bundle.manifest().head(method).ok_or_else(missing)?;
    let mut graph = Graph::open(runtime, &bundle.path_of(&head.file), &head.output)?;
    let masks = if method == Method::McDropout {
        Recipe::compact(method)?.masks(study.trunk.dimension)
    } else {
        Vec::new()
    };
    let size = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let mut values = Vec::new();
    for row in rows {
        let features = study
            .features
            .views
            .first()
            .map(|view| view.row(*row))
            .unwrap_or_default();
        let seed = study.cell_seeds[*row];
        let drawn = draw_masks(&masks, PASSES, seed);
        let mut inputs = vec![(head.input.as_str(), vec![1, size(features.len())], features)];
        for (mask, values) in masks.iter().zip(&drawn) {
            inputs.push((&mask.input, vec![1, size(PASSES), size(mask.width)], values));
        }
        values.extend(graph.run(&inputs)?);
    }
    let classes = study.grouping.classes();
    Ok(CellScores {
        passes: values.len() / (classes * rows.len().max(1)),
        classes,
        values,
    })
}

fn largest_difference(expected: &CellScores, found: &CellScores) -> Result<f64, TrainingError> {
    if expected.values.len() != found.values.len() {
        return Err(TrainingError::Impossible(
            "the exported head answers in another shape: run `export` again".to_owned(),
        ));
    }
    let (expected, found) = (expected.samples(1.0)?, found.samples(1.0)?);
    let values = expected
        .iter()
        .zip(&found)
        .flat_map(|(expected, found)| expected.values().iter().zip(found.values()));
    Ok(values
        .map(|(expected, found)| (expected - found).abs())
        .fold(0.0, f64::max))
}
