//! How good the heads are on cells that they have not learnt from: over the folds, and on the test part.

use std::{collections::BTreeMap, path::Path};

use serde::Serialize;

use crate::training::{
    CellScores, Study, TrainingError,
    calibration::calibrate::fit_mean_temperature,
    evaluation::figures::{Answers, MethodFigures, Truth, figures},
    parallel,
    workspace::write_json,
};
use crate::{
    bundle::{Calibration, Method},
    uncertainty::{Summary, summarise},
};

/// Everything that an evaluation measured; written as `evaluation.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// Version of the program.
    pub software: String,
    /// Seed of the training and of the intervals.
    pub seed: u64,
    /// Names of the classes.
    pub labels: Vec<String>,
    /// Every cell of the folds, answered by heads that have not seen its fold, at a temperature fitted on other folds.
    pub out_of_fold: EvaluatedPart,
    /// The test part, answered by the bundle's heads, at the temperatures of the calibration fold.
    pub test: EvaluatedPart,
}

/// The figures of some cells.
#[derive(Clone, Debug, Serialize)]
pub struct EvaluatedPart {
    /// How many cells.
    pub cells: usize,
    /// How many images they come from.
    pub images: usize,
    /// The figures of each method.
    pub methods: BTreeMap<Method, MethodFigures>,
}

/// Scores of some cells by every method, from a model that has not learnt from them.
#[derive(Clone, Debug)]
pub struct HeldOut {
    /// The cells.
    pub rows: Vec<usize>,
    /// What each method says of them.
    pub scores: BTreeMap<Method, CellScores>,
}

/// Evaluates every method out of fold and on the test part.
///
/// # Errors
/// [`TrainingError::Evaluation`] when a part has no cells or only one image.
pub fn evaluate(
    study: &Study,
    folds: &[HeldOut],
    test: &HeldOut,
    calibrations: &BTreeMap<Method, Calibration>,
) -> Result<Evaluation, TrainingError> {
    let names = study.grouping.names().into_iter();
    Ok(Evaluation {
        software: format!("secondlook {}", env!("CARGO_PKG_VERSION")),
        seed: study.seed,
        labels: names.map(str::to_owned).collect(),
        out_of_fold: out_of_fold(study, folds)?,
        test: test_part(study, test, calibrations)?,
    })
}

/// Writes an evaluation as JSON.
pub fn write_evaluation(evaluation: &Evaluation, path: &Path) -> Result<(), TrainingError> {
    write_json(path, evaluation)
}

fn test_part(
    study: &Study,
    test: &HeldOut,
    calibrations: &BTreeMap<Method, Calibration>,
) -> Result<EvaluatedPart, TrainingError> {
    let mut answers = Vec::new();
    for (method, scores) in &test.scores {
        let temperature = calibrations
            .get(method)
            .map_or(1.0, |calibration| calibration.temperature);
        answers.push(Answers {
            method: *method,
            passes: scores.passes,
            temperatures: vec![temperature],
            summaries: summaries(scores, temperature)?,
        });
    }
    evaluated_part(study, &test.rows, answers)
}

fn out_of_fold(study: &Study, folds: &[HeldOut]) -> Result<EvaluatedPart, TrainingError> {
    let methods: Vec<Method> = folds
        .first()
        .map(|fold| fold.scores.keys().copied().collect())
        .unwrap_or_default();
    let answers = parallel::map(parallel::available_threads(), &methods, |method| {
        cross_calibrated(study, *method, folds)
    })?;
    let rows: Vec<usize> = folds.iter().flat_map(|fold| fold.rows.clone()).collect();
    evaluated_part(study, &rows, answers)
}

/// Every fold's answers at the temperature of the others.
fn cross_calibrated(
    study: &Study,
    method: Method,
    folds: &[HeldOut],
) -> Result<Answers, TrainingError> {
    let missing = || TrainingError::Impossible(format!("{method} was not scored in every fold"));
    let scores: Vec<&CellScores> = folds
        .iter()
        .map(|fold| fold.scores.get(&method).ok_or_else(missing))
        .collect::<Result<_, _>>()?;
    let mut answers = Answers {
        method,
        passes: scores.first().map_or(0, |scores| scores.passes),
        temperatures: Vec::new(),
        summaries: Vec::new(),
    };
    for (held_out, own) in scores.iter().enumerate() {
        let temperature = temperature_without(study, folds, &scores, held_out)?;
        answers.temperatures.push(temperature);
        answers.summaries.extend(summaries(own, temperature)?);
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

fn summaries(scores: &CellScores, temperature: f64) -> Result<Vec<Summary>, TrainingError> {
    Ok(scores.samples(temperature)?.iter().map(summarise).collect())
}

fn evaluated_part(
    study: &Study,
    rows: &[usize],
    answers: Vec<Answers>,
) -> Result<EvaluatedPart, TrainingError> {
    let truth = Truth {
        labels: &study.labels(rows),
        images: &study.images(rows),
        abnormal: &study.grouping.abnormal(),
    };
    let measured = parallel::map(parallel::available_threads(), &answers, |answers| {
        Ok((answers.method, figures(answers, &truth, study.seed)?))
    })?;
    Ok(EvaluatedPart {
        cells: rows.len(),
        images: study.image_count(rows),
        methods: measured.into_iter().collect(),
    })
}
