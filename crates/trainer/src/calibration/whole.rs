//! The calibration of a whole model: what is usual first, since a cell that is unlike the training cells is never accepted.

use std::collections::BTreeMap;

use indicatif::ProgressBar;

use super::{
    calibrate::{calibrate, calibrate_views},
    policies::KnownCells,
    unlike::{Unlike, fit_unlike},
};
use crate::{Study, TrainingError, evaluation::answers::HeldOut, models::FoldModel};
use bundle::{Calibration, Method};
use engine::Runtime;

/// A cell whose p-value is below this is referred: one in a hundred of those that are like the calibration cells.
pub(crate) const REFER_BELOW: f64 = 0.01;

/// Everything that a bundle knows besides trunk and heads.
#[derive(Clone, Debug)]
pub(crate) struct Calibrated {
    /// Temperature, ranges and policies of each method.
    pub methods: BTreeMap<Method, Calibration>,
    /// The out-of-distribution score; none for a trunk without residual additions.
    pub unlike: Option<Unlike>,
}

/// Calibrates a model on the cells of the folds that it has not seen.
///
/// # Errors
/// See [`fit_unlike`] and [`calibrate`].
pub(crate) fn calibrate_model(
    study: &Study,
    runtime: &Runtime,
    model: &FoldModel,
    held_out: &HeldOut,
    progress: &ProgressBar,
) -> Result<Calibrated, TrainingError> {
    let unlike = fit_unlike(study, runtime, model, progress)?;
    let eligible = match &unlike {
        // As a server would see each, had it been left out of the calibration.
        Some(unlike) => unlike
            .of_calibration
            .iter()
            .map(|score| unlike.model.p_value_left_out(*score) >= REFER_BELOW)
            .collect(),
        None => vec![true; held_out.rows.len()],
    };
    let known = KnownCells {
        labels: &study.labels(&held_out.rows),
        images: &study.image_numbers(&held_out.rows),
        eligible: &eligible,
        abnormal: &study.grouping.abnormal_flags(),
    };
    let mut methods = BTreeMap::new();
    for (method, scores) in &held_out.scores {
        let calibration = match method {
            Method::Tta => calibrate_views(scores, &known)?,
            _ => calibrate(scores, &known)?,
        };
        methods.insert(*method, calibration);
    }
    Ok(Calibrated { methods, unlike })
}
