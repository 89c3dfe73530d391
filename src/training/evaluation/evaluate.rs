//! How good the heads are on cells that they have not learnt from: over the folds, and on the test part.

use std::{collections::BTreeMap, path::Path};

use indicatif::ProgressBar;
use serde::Serialize;

use crate::training::{
    CellScores, Part, Study, TrainingError,
    calibration::calibrate::fit_mean_temperature,
    calibration::held_out::{
        HEAD_METHODS, OUT_OF_FOLD_VIEWS, augmented_features, augmented_scores, head_scores,
    },
    evaluation::figures::{Answers, MethodFigures, Truth, figures},
    export::write::BundleHeads,
    parallel,
    workspace::write_json,
};
use crate::{
    bundle::{Calibration, Method},
    engine::Runtime,
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

/// Evaluates every method out of fold and on the test part.
///
/// Test-time augmentation is measured with all its views on the test part and with [`OUT_OF_FOLD_VIEWS`] out of fold.
///
/// # Errors
/// [`TrainingError::Missing`] when a method was not trained for every fold.
pub fn evaluate(
    study: &Study,
    runtime: &Runtime,
    progress: &ProgressBar,
) -> Result<Evaluation, TrainingError> {
    let heads = BundleHeads::read(study)?;
    let calibrations = heads.calibrations(study, runtime, progress)?;
    let scores = heads.scores(study, runtime, Part::Test, progress)?;
    Ok(Evaluation {
        software: format!("secondlook {}", env!("CARGO_PKG_VERSION")),
        seed: study.seed,
        labels: study
            .grouping
            .names()
            .into_iter()
            .map(str::to_owned)
            .collect(),
        out_of_fold: out_of_fold(study, runtime, progress)?,
        test: test(study, &scores, &calibrations)?,
    })
}

/// Writes an evaluation as JSON.
pub fn write_evaluation(evaluation: &Evaluation, path: &Path) -> Result<(), TrainingError> {
    write_json(path, evaluation)
}

fn test(
    study: &Study,
    scores: &BTreeMap<Method, CellScores>,
    calibrations: &BTreeMap<Method, Calibration>,
) -> Result<EvaluatedPart, TrainingError> {
    let rows = study.rows_in(Part::Test);
    let mut answers = Vec::new();
    for (method, scores) in scores {
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
    evaluated_part(study, &rows, answers)
}

fn out_of_fold(
    study: &Study,
    runtime: &Runtime,
    progress: &ProgressBar,
) -> Result<EvaluatedPart, TrainingError> {
    let folds: Vec<Vec<usize>> = study
        .folds()
        .into_iter()
        .map(|fold| study.rows_in(Part::Fold(fold)))
        .collect();
    let mut answers = parallel::map(parallel::available_threads(), &HEAD_METHODS, |method| {
        let mut scores = Vec::new();
        for (fold, rows) in study.folds().into_iter().zip(&folds) {
            scores.push(head_scores(
                study,
                *method,
                &study.heads(*method, fold)?,
                rows,
            )?);
        }
        cross_calibrated(study, *method, &folds, &scores)
    })?;
    let mut scores = Vec::new();
    for (fold, rows) in study.folds().into_iter().zip(&folds) {
        let augmented = augmented_features(study, runtime, rows, OUT_OF_FOLD_VIEWS, progress)?;
        scores.push(augmented_scores(
            &study.heads(Method::Baseline, fold)?,
            &augmented,
            rows.len(),
        ));
    }
    answers.push(cross_calibrated(study, Method::Tta, &folds, &scores)?);
    evaluated_part(study, &folds.concat(), answers)
}

/// Every fold's answers at the temperature of the others.
fn cross_calibrated(
    study: &Study,
    method: Method,
    folds: &[Vec<usize>],
    scores: &[CellScores],
) -> Result<Answers, TrainingError> {
    let mut answers = Answers {
        method,
        passes: scores.first().map_or(0, |scores| scores.passes),
        temperatures: Vec::new(),
        summaries: Vec::new(),
    };
    for (held_out, own) in scores.iter().enumerate() {
        let temperature = temperature_without(study, folds, scores, held_out)?;
        answers.temperatures.push(temperature);
        answers.summaries.extend(summaries(own, temperature)?);
    }
    Ok(answers)
}

/// The temperature that suits the held-out answers of all other folds: this fold's labels have no say in it.
fn temperature_without(
    study: &Study,
    folds: &[Vec<usize>],
    scores: &[CellScores],
    held_out: usize,
) -> Result<f64, TrainingError> {
    let others = || (0..folds.len()).filter(|fold| *fold != held_out);
    let values: Vec<f32> = others()
        .flat_map(|fold| scores[fold].values.iter().copied())
        .collect();
    let rows: Vec<usize> = others()
        .flat_map(|fold| folds[fold].iter().copied())
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
