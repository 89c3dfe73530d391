//! The calibration of a whole model: what is usual first, since a cell that is unlike the training cells is never accepted.

use std::collections::BTreeMap;

use indicatif::ProgressBar;

use super::{
    calibrate::{calibrate, calibrate_views},
    policies::KnownCells,
    unlike::{Unlike, fit_unlike},
};
use crate::{
    bundle::{Calibration, Method},
    engine::Runtime,
    training::{Study, TrainingError, evaluation::answers::HeldOut, models::FoldModel},
};

/// A cell whose p-value is below this is referred: one in a hundred of those that are like the calibration cells.
pub const REFER_BELOW: f64 = 0.01;

/// Everything that a bundle knows besides trunk and heads.
#[derive(Clone, Debug)]
pub struct Calibrated {
    /// Temperature, ranges and policies of each method.
    pub methods: BTreeMap<Method, Calibration>,
    /// The out-of-distribution score; none for a trunk without residual additions.
    pub unlike: Option<Unlike>,
}

/// Calibrates a model on the cells of the fold that it has not seen.
///
/// # Errors
/// See [`fit_unlike`] and [`calibrate`].
pub fn calibrate_model(
    study: &Study,
    runtime: &Runtime,
    model: &FoldModel,
    held_out: &HeldOut,
    progress: &ProgressBar,
) -> Result<Calibrated, TrainingError> {
    let unlike = fit_unlike(study, runtime, model, progress)?;
    let eligible = match &unlike {
        Some(unlike) => usual_enough(&unlike.model.calibration_scores, &unlike.of_calibration),
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

/// Which calibration cells a server would not refer as unlike, had each been left out of the calibration.
fn usual_enough(ascending: &[f64], scores: &[f64]) -> Vec<bool> {
    let at_least = |score: &f64| ascending.len() - ascending.partition_point(|other| other < score);
    // The cell itself is among those at least as unlike: it stands for the 1 in (1 + others) / (1 + their number).
    let p_value = |score: &f64| at_least(score) as f64 / ascending.len().max(1) as f64;
    scores
        .iter()
        .map(|score| p_value(score) >= REFER_BELOW)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cell_in_a_hundred_is_too_unlike() {
        let ascending: Vec<f64> = (0..1000).map(f64::from).collect();
        let eligible = usual_enough(&ascending, &ascending);
        assert_eq!(eligible.iter().filter(|eligible| !**eligible).count(), 9);
        assert!(eligible[990] && !eligible[991]);
    }
}
