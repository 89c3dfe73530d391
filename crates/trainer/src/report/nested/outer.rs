//! One outer fold: its cells, with a calibration that is independent of it.

use std::collections::BTreeMap;

use crate::{
    TrainingError,
    calibrate::{
        Calibrated, REFER_BELOW,
        distances::{matrix_rows, scores_of},
        summaries,
        unlike::Unlike,
    },
    report::{
        policies::LabelledCells,
        sets::{SetsByConfidence, sets_of},
    },
    score::{CellScores, HeldOut},
    session::TrainingSession,
};
use bundle::{Calibration, Method};
use evaluation::report::{PolicyCell, SIGNIFICANT};
use uncertainty::{Policy, Promise, Summary};

/// The cells of an outer fold with their results.
pub(crate) struct OuterFold {
    /// The cells.
    pub rows: Vec<usize>,
    /// Their p-values by the out-of-distribution score; empty without one.
    pub p_values: Vec<f64>,
    /// By method.
    pub methods: BTreeMap<Method, OuterMethod>,
    /// Training cells of the answering model, and on average of the calibrating ones.
    pub learnt_from: [f64; 2],
}

/// The results of one method's calibration.
pub(crate) struct OuterMethod {
    /// The policies for screening, in the order of the calibration.
    pub policies: Vec<OuterPolicy>,
    /// The name of the default; `None` means refer all.
    pub default: Option<String>,
    /// The prediction sets of each cell, by confidence.
    pub sets: SetsByConfidence,
    /// P(abnormal) of each cell, and whether it is abnormal.
    pub answering: Vec<(f64, bool)>,
    /// The same for the calibration cells, a list per model that answered them.
    pub calibrating: Vec<Vec<(f64, bool)>>,
}

/// The results of one policy.
pub(crate) struct OuterPolicy {
    /// The policy.
    pub policy: Policy,
    /// The decision for each cell.
    pub cells: Vec<PolicyCell>,
}

impl OuterFold {
    /// Applies a calibration on `folds` to `answers`, the cells of the outer fold.
    ///
    /// # Errors
    /// If a score is infinite or NaN, or a method has no calibration.
    pub(crate) fn of(
        session: &TrainingSession,
        calibrated: &Calibrated,
        (folds, answers): (&[HeldOut], &HeldOut),
    ) -> Result<Self, TrainingError> {
        let study = &session.study;
        let unlike = calibrated.unlike.as_ref();
        let p_values = unlike.map(|unlike| p_values(session, unlike, &answers.rows));
        let p_values = p_values.transpose()?.unwrap_or_default();
        let like = |cell: usize| p_values.get(cell).is_none_or(|p| *p >= REFER_BELOW);
        let eligible = (0..answers.rows.len()).map(like).collect();
        let cells = LabelledCells::of(study, &answers.rows, eligible);
        let mut methods = BTreeMap::new();
        for (method, scores) in &answers.scores {
            let missing = || TrainingError::Impossible(format!("{method} was not calibrated"));
            let calibration = calibrated.methods.get(method).ok_or_else(missing)?;
            let mut judged = OuterMethod::of(session, &cells, calibration, scores)?;
            for fold in folds {
                let scores = fold.scores_of(*method)?;
                let labels = study.labels(&fold.rows);
                let said = abnormal_scores(scores, calibration, (&labels, &cells.abnormal))?;
                judged.calibrating.push(said);
            }
            methods.insert(*method, judged);
        }
        let whole = study.fold_rows().len() as f64;
        let models = folds.len() as f64;
        Ok(Self {
            rows: answers.rows.clone(),
            p_values,
            methods,
            learnt_from: [whole, whole * (models - 1.0) / models],
        })
    }

    /// The share of flagged cells; `None` without an out-of-distribution score.
    pub(crate) fn flagged(&self) -> Option<f64> {
        let flagged = self.p_values.iter().filter(|p| **p < SIGNIFICANT).count();
        (!self.p_values.is_empty()).then(|| flagged as f64 / self.p_values.len() as f64)
    }
}

impl OuterMethod {
    fn of(
        session: &TrainingSession,
        cells: &LabelledCells,
        calibration: &Calibration,
        scores: &CellScores,
    ) -> Result<Self, TrainingError> {
        let said = summaries(scores, calibration.temperature, &cells.abnormal)?;
        let screening = calibration.policies.iter().filter_map(|policy| {
            let promise = policy.kind.filter(|kind| is_screening(*kind))?;
            Some(OuterPolicy {
                cells: cells.decided((policy, promise), policy.threshold, &said),
                policy: policy.clone(),
            })
        });
        let outputs = &session.study.grouping.outputs;
        Ok(Self {
            policies: screening.collect(),
            default: calibration.default_policy.clone(),
            sets: sets_of(&calibration.prediction_sets, outputs, &said),
            answering: abnormal_scores(scores, calibration, (&cells.labels, &cells.abnormal))?,
            calibrating: Vec::new(),
        })
    }
}

/// Whether a promise is about cells that are called normal and not reviewed.
fn is_screening(promise: Promise) -> bool {
    matches!(
        promise,
        Promise::ClearMissedAbnormal | Promise::ClearMissedHighGrade
    )
}

/// P(abnormal) of each cell at a calibration's temperature, and whether the cell is abnormal.
fn abnormal_scores(
    scores: &CellScores,
    calibration: &Calibration,
    (labels, abnormal): (&[usize], &[bool]),
) -> Result<Vec<(f64, bool)>, TrainingError> {
    let said = summaries(scores, calibration.temperature, abnormal)?;
    let probability = |summary: &Summary| summary.abnormal.map_or(0.0, |of| of.probability);
    let is_abnormal = |label: &usize| abnormal.get(*label).copied().unwrap_or(true);
    let pairs = said.iter().zip(labels);
    Ok(pairs
        .map(|(summary, label)| (probability(summary), is_abnormal(label)))
        .collect())
}

fn p_values(
    session: &TrainingSession,
    unlike: &Unlike,
    rows: &[usize],
) -> Result<Vec<f64>, TrainingError> {
    let statistics = session.plain_features(&unlike.statistics, rows)?;
    let scores = scores_of(&unlike.model, &matrix_rows(&statistics))?;
    let p_values = scores.iter().map(|score| unlike.model.p_value(*score));
    Ok(p_values.collect())
}
