//! What a model says of cells that it has not learnt from, method by method.

use std::collections::BTreeMap;

use indicatif::ProgressBar;

use super::{FoldModel, HEAD_METHODS};
use crate::{
    CellScores, FeatureMatrix, Study, TrainingError, ViewPlan, dropout_scores, member_scores,
    view_scores,
};
use bundle::Method;
use engine::Runtime;
use imaging::augment::AugmentPolicy;

/// T of Monte Carlo dropout and of test-time augmentation, as in the paper.
pub(crate) const PASSES: usize = 50;

/// The augmented views to score.
#[derive(Clone, Debug)]
pub(crate) struct Views {
    /// How a view is made.
    pub policy: AugmentPolicy,
    /// How many views of each cell.
    pub count: usize,
}

/// Scores of some cells by every method.
///
/// # Errors
/// [`TrainingError::Missing`] when a method was not trained; see [`Study::features_of`].
pub(crate) fn scores(
    study: &Study,
    runtime: &Runtime,
    model: &FoldModel,
    rows: &[usize],
    views: &Views,
    progress: &ProgressBar,
) -> Result<BTreeMap<Method, CellScores>, TrainingError> {
    let plain = plain_features(study, runtime, model, rows, progress)?;
    let mut scores = BTreeMap::new();
    for method in HEAD_METHODS {
        scores.insert(method, head_scores(study, model, method, &plain, rows)?);
    }
    let augmented = ViewPlan::Policy {
        policy: views.policy.clone(),
        count: views.count,
    };
    let augmented = study.features_of(runtime, &model.trunk, rows, &augmented, progress)?;
    let cells: Vec<usize> = (0..rows.len()).collect();
    let head = model.head(Method::Tta)?;
    scores.insert(Method::Tta, view_scores(head, &augmented.views, &cells));
    Ok(scores)
}

/// Features of the crops as they are, one row per entry of `rows`.
///
/// # Errors
/// See [`Study::features_of`].
pub(crate) fn plain_features(
    study: &Study,
    runtime: &Runtime,
    model: &FoldModel,
    rows: &[usize],
    progress: &ProgressBar,
) -> Result<FeatureMatrix, TrainingError> {
    let plain = ViewPlan::Dihedral { count: 1 };
    let set = study.features_of(runtime, &model.trunk, rows, &plain, progress)?;
    let none = || TrainingError::Impossible("there are no features".to_owned());
    set.views.into_iter().next().ok_or_else(none)
}

/// Scores of a method with heads of its own, for the cells `rows` whose features are `plain`.
///
/// # Errors
/// [`TrainingError::Missing`] when the method was not trained.
pub(crate) fn head_scores(
    study: &Study,
    model: &FoldModel,
    method: Method,
    plain: &FeatureMatrix,
    rows: &[usize],
) -> Result<CellScores, TrainingError> {
    let head = model.head(method)?;
    let cells: Vec<usize> = (0..rows.len()).collect();
    if method != Method::McDropout {
        return Ok(member_scores(head, plain, &cells));
    }
    let seeds: Vec<u64> = rows.iter().map(|row| study.cell_seeds[*row]).collect();
    Ok(dropout_scores(
        head,
        &model.masks,
        PASSES,
        plain,
        &cells,
        &seeds,
    ))
}
