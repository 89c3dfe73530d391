//! The calibrated answers that scores of held-out cells become.

use std::collections::BTreeMap;

use crate::{
    TrainingError,
    calibrate::fit_mean_temperature,
    score::{CellScores, HeldOut},
    study::Study,
};
use bundle::{Calibration, Method};
use uncertainty::Samples;

/// Calibrated answers of one method.
#[derive(Clone, Debug)]
pub(crate) struct CalibratedAnswers {
    /// The temperatures in use: one per fold, or one.
    pub temperatures: Vec<f64>,
    /// Samples `[T, C]` of each cell.
    pub samples: Vec<Samples>,
}

/// Answers to some cells by every method.
#[derive(Clone, Debug)]
pub(crate) struct AnsweredPart {
    /// The cells.
    pub rows: Vec<usize>,
    /// The answers of each method.
    pub methods: BTreeMap<Method, CalibratedAnswers>,
}

/// The test part's answers at the temperatures of the bundle.
///
/// # Errors
/// [`TrainingError::Samples`] when a score is not finite.
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

/// Every fold's answers, each at the temperature that suits the held-out answers of the other folds.
///
/// # Errors
/// [`TrainingError::Impossible`] when a method was not scored in every fold.
pub(crate) fn out_of_fold(study: &Study, folds: &[HeldOut]) -> Result<AnsweredPart, TrainingError> {
    let first = folds.first();
    let names = first.map(|fold| fold.scores.keys().copied().collect::<Vec<Method>>());
    let mut methods = BTreeMap::new();
    for method in names.unwrap_or_default() {
        methods.insert(method, cross_calibrated(study, method, folds)?);
    }
    Ok(AnsweredPart {
        rows: folds.iter().flat_map(|fold| fold.rows.clone()).collect(),
        methods,
    })
}

fn cross_calibrated(
    study: &Study,
    method: Method,
    folds: &[HeldOut],
) -> Result<CalibratedAnswers, TrainingError> {
    let missing = || TrainingError::Impossible(format!("{method} was not scored in every fold"));
    let scores: Vec<&CellScores> = folds
        .iter()
        .map(|fold| fold.scores.get(&method).ok_or_else(missing))
        .collect::<Result<_, _>>()?;
    let mut answers = CalibratedAnswers {
        temperatures: Vec::new(),
        samples: Vec::new(),
    };
    for (held_out, own) in scores.iter().enumerate() {
        let temperature = temperature_without(study, folds, &scores, held_out)?;
        answers.temperatures.push(temperature);
        answers.samples.extend(own.samples(temperature)?);
    }
    Ok(answers)
}

/// The temperature that suits the held-out answers of all other folds: this fold's labels have no say in it.
fn temperature_without(
    study: &Study,
    folds: &[HeldOut],
    scores: &[&CellScores],
    held_out: usize,
) -> Result<f64, TrainingError> {
    let others = || (0..folds.len()).filter(|fold| *fold != held_out);
    let values: Vec<f32> = others()
        .flat_map(|fold| scores[fold].values.iter().copied())
        .collect();
    let rows: Vec<usize> = others()
        .flat_map(|fold| folds[fold].rows.iter().copied())
        .collect();
    let together = CellScores {
        values,
        ..scores[held_out].clone()
    };
    fit_mean_temperature(&together, &study.labels(&rows))
}
