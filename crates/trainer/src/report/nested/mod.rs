//! Nested evaluation: applies a calibration on some folds to the cells of another fold, for all
//! folds. It is the evidence for a bundle's promises, because the bundle's own model and
//! calibration leave no unseen cells.
//!
//! Input: for each outer fold, a calibration and answers that are independent of it. Output:
//! figures with intervals by image.

mod divisions;
mod outer;
mod pooled;
mod scores;
mod tables;

use std::collections::BTreeMap;

use serde::Serialize;

use self::pooled::Pooled;
pub(crate) use self::{
    divisions::{FlaggedOfDivisions, flagged_of_divisions},
    outer::OuterFold,
    tables::tables,
};
use crate::{TrainingError, report::sets::SetFigures, study::Study};
use bundle::Method;
use evaluation::bootstrap::Estimate;

/// Name of the row of the default policy that each outer fold's calibration chose.
pub(crate) const DEFAULT: &str = "default";

/// Figures over the cells of every fold; intervals are resampled by image.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NestedReport {
    /// Answered cells.
    pub cells: usize,
    /// Their images.
    pub images: usize,
    /// Outer folds.
    pub folds: usize,
    /// Seed of the folds and of the training.
    pub seed: u64,
    /// Share of the cells with p < .05 by the out-of-distribution score.
    pub flagged: Option<Estimate>,
    /// The same for each outer fold.
    pub flagged_of_folds: Vec<f64>,
    /// The share of unseen cells flagged over many divisions; `None` if training changed the layer.
    pub flagged_of_divisions: Option<FlaggedOfDivisions>,
    /// By method.
    pub methods: BTreeMap<Method, NestedMethod>,
}

/// The figures of one method.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NestedMethod {
    /// The default first, then the policies for screening.
    pub policies: Vec<NestedPolicy>,
    /// Prediction sets, by confidence, level and grouping.
    pub sets: Vec<SetFigures>,
    /// P(abnormal) by the models that calibrate, trained on two folds less than all.
    pub calibrating: NestedScores,
    /// P(abnormal) by the models that answer, trained on one fold less than all.
    pub answering: NestedScores,
}

/// The results of a policy.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NestedPolicy {
    /// Its name, or [`DEFAULT`].
    pub name: String,
    /// The bound of the promise; `None` for the default, whose bound each fold chooses.
    pub alpha: Option<f64>,
    /// The policy that decided in each outer fold, or `None` if none was certified.
    pub certified: Vec<Option<String>>,
    /// Cells that the promise is about.
    pub cases: usize,
    /// Accepted mistakes among them.
    pub missed: usize,
    /// The share of `missed` among `cases`.
    pub missed_share: Estimate,
    /// Share of the normal cells that were accepted.
    pub cleared: Estimate,
    /// Share of all cells that were accepted.
    pub accepted: Estimate,
}

/// P(abnormal) by the models of one training size, at the temperatures of the outer folds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NestedScores {
    /// Training cells of each model, on average.
    pub learnt_from: f64,
    /// AUROC of P(abnormal) of each model, on the fold that it has not seen.
    pub auroc_of_models: Vec<f64>,
    /// Quantiles of P(abnormal) over the abnormal cells of all models.
    pub abnormal: Vec<ScoreQuantile>,
    /// Quantiles of P(abnormal) over the normal cells of all models.
    pub normal: Vec<ScoreQuantile>,
}

/// One quantile.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct ScoreQuantile {
    /// The level.
    pub level: f64,
    /// P(abnormal) there.
    pub value: f64,
    /// The smallest and the largest quantile of the outer folds.
    pub of_folds: [f64; 2],
}

impl NestedReport {
    /// Combines the outer folds.
    ///
    /// # Errors
    /// As `evaluation` for intervals of too few images.
    pub(crate) fn of(
        study: &Study,
        folds: &[OuterFold],
        flagged_of_divisions: Option<FlaggedOfDivisions>,
    ) -> Result<Self, TrainingError> {
        let pooled = Pooled::of(study, folds);
        let mut methods = BTreeMap::new();
        for method in folds.iter().flat_map(|fold| fold.methods.keys()) {
            if !methods.contains_key(method) {
                methods.insert(*method, pooled.method(*method)?);
            }
        }
        Ok(Self {
            cells: pooled.figures.labels.len(),
            images: pooled.figures.image_count(),
            folds: folds.len(),
            seed: study.seed,
            flagged: pooled.flagged()?,
            flagged_of_divisions,
            flagged_of_folds: folds.iter().filter_map(OuterFold::flagged).collect(),
            methods,
        })
    }
}
