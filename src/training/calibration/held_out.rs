//! Scores of the trained heads for cells that they have not learnt from.

use indicatif::ProgressBar;

use crate::training::{
    CellScores, CropRow, FeatureRequest, FeatureSet, HeadWeights, Recipe, Study, TrainingError,
    ViewPlan, features,
    heads::scores::{dropout_scores, member_scores, view_scores},
};
use crate::{bundle::Method, engine::Runtime, imaging::augment::AugmentPolicy};

/// T of Monte Carlo dropout and of test-time augmentation, as in the paper.
pub const PASSES: usize = 50;

/// Augmented views of each cell out of fold: all fifty would take longer than everything else together.
pub const OUT_OF_FOLD_VIEWS: usize = 10;

/// The fold that the heads of a bundle have not learnt from: it calibrates them.
pub const CALIBRATION_FOLD: usize = 0;

/// The methods with heads of their own.
pub const HEAD_METHODS: [Method; 3] = [Method::Baseline, Method::McDropout, Method::Ensemble];

/// Scores of some cells by a method with heads of its own.
///
/// # Errors
/// [`TrainingError::Impossible`] for test-time augmentation, which needs other features.
pub fn head_scores(
    study: &Study,
    method: Method,
    heads: &HeadWeights,
    rows: &[usize],
) -> Result<CellScores, TrainingError> {
    let recipe = Recipe::compact(method)?;
    let features = study.features.views.first().ok_or_else(no_view)?;
    if method != Method::McDropout {
        return Ok(member_scores(heads, features, rows));
    }
    let seeds: Vec<u64> = rows.iter().map(|row| study.cell_seeds[*row]).collect();
    Ok(dropout_scores(
        heads,
        &recipe.masks(study.trunk.dimension),
        PASSES,
        features,
        rows,
        &seeds,
    ))
}

fn no_view() -> TrainingError {
    TrainingError::Impossible("there are no features".to_owned())
}

/// Features of the first `count` augmented views of some cells, the same views as the server's.
///
/// # Errors
/// See [`features`].
pub fn augmented_features(
    study: &Study,
    runtime: &Runtime,
    rows: &[usize],
    count: usize,
    progress: &ProgressBar,
) -> Result<FeatureSet, TrainingError> {
    let cells: Vec<CropRow> = rows
        .iter()
        .map(|row| study.table.rows[*row].clone())
        .collect();
    let request = FeatureRequest {
        crops: &study.workspace.crops(),
        cells: &cells,
        input: &study.input,
        views: &ViewPlan::Policy {
            policy: AugmentPolicy::paper(),
            count,
        },
    };
    features(runtime, &study.trunk, &request, &study.workspace, progress)
}

/// Scores of test-time augmentation: the baseline's head on every augmented view.
pub fn augmented_scores(
    baseline: &HeadWeights,
    augmented: &FeatureSet,
    cells: usize,
) -> CellScores {
    view_scores(baseline, &augmented.views, &(0..cells).collect::<Vec<_>>())
}
