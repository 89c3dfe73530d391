//! Calibrated answers from the scores of held-out cells.

use std::collections::BTreeMap;

use crate::{TrainingError, calibrate::fit_mean_temperature, score::HeldOut, study::Study};
use bundle::{Calibration, Method};
use uncertainty::Samples;

/// Calibrated answers of one method.
#[derive(Clone, Debug, Default)]
pub(crate) struct CalibratedAnswers {
    /// The temperatures in use: one per fold, or one.
    pub temperatures: Vec<f64>,
    /// Samples `[T, C]` of each cell.
    pub samples: Vec<Samples>,
}

/// Answers for some cells by every method.
#[derive(Clone, Debug)]
pub(crate) struct AnsweredPart {
    /// The cells.
    pub rows: Vec<usize>,
    /// The answers of each method.
    pub methods: BTreeMap<Method, CalibratedAnswers>,
}

/// The test part's answers at the bundle's temperatures.
///
/// # Errors
/// [`TrainingError::Samples`] if a score is infinite or NaN.
pub(crate) fn test_part(
    test: &HeldOut,
    calibrations: &BTreeMap<Method, Calibration>,
) -> Result<AnsweredPart, TrainingError> {
    let mut methods = BTreeMap::new();
    for (method, scores) in &test.scores {
        let calibration = calibrations.get(method);
        let temperature = calibration.map_or(1.0, |calibration| calibration.temperature);
        let answers = CalibratedAnswers {
            temperatures: vec![temperature],
            samples: scores.samples(temperature)?,
        };
        methods.insert(*method, answers);
    }
    Ok(AnsweredPart {
        rows: test.rows.clone(),
        methods,
    })
}

/// The answers of every fold, one fold after the other. Each fold's temperature is fitted on the
/// held-out answers of the other folds, so that its own labels do not affect it.
///
/// # Errors
/// [`TrainingError::Impossible`] if a method was not scored in every fold.
pub(crate) fn out_of_fold(study: &Study, folds: &[HeldOut]) -> Result<AnsweredPart, TrainingError> {
    let mut methods: BTreeMap<Method, CalibratedAnswers> = BTreeMap::new();
    for (number, fold) in folds.iter().enumerate() {
        let others = HeldOut::without(folds, number)?;
        let labels = study.labels(&others.rows);
        for (method, scores) in &fold.scores {
            let temperature = fit_mean_temperature(others.scores_of(*method)?, &labels)?;
            let answers = methods.entry(*method).or_default();
            answers.temperatures.push(temperature);
            answers.samples.extend(scores.samples(temperature)?);
        }
    }
    Ok(AnsweredPart {
        rows: folds.iter().flat_map(|fold| fold.rows.clone()).collect(),
        methods,
    })
}
