//! The confusion matrix and the figures of each class.

use serde::Serialize;

use super::{
    ReportError,
    question::MethodAnswers,
    resampling::{Resampling, UNDEFINED},
};
use crate::{
    bootstrap::Estimate,
    classification::{ClassScores, ConfusionMatrix},
    ranking::auroc,
};

/// What was answered, by true class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Confusion {
    /// Counts `[true class][answered class]`.
    pub counts: ConfusionMatrix,
    /// Share of each true class' cells; undefined for a class without cells.
    pub shares: Vec<Vec<Estimate>>,
    /// The figures of each class.
    pub classes: Vec<ClassFigures>,
}

/// One class against the rest.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassFigures {
    /// Its name.
    pub name: String,
    /// Cells of the class.
    pub cells: usize,
    /// Share of the class' cells that are found (sensitivity).
    pub recall: Estimate,
    /// Share of the other cells that are not taken for it.
    pub specificity: Estimate,
    /// Share of the answers of this class that are right (positive predictive value).
    pub precision: Estimate,
    /// Share of the other answers that are right about this class.
    pub negative_predictive_value: Estimate,
    /// AUROC of the class' probability.
    pub auroc: Estimate,
}

pub(super) fn confusion(
    answers: &MethodAnswers,
    names: &[String],
    resampling: &Resampling,
) -> Result<Confusion, ReportError> {
    let counts = ConfusionMatrix::of(&answers.predictions);
    let classes = counts.per_class().into_iter().enumerate().zip(names);
    let figures: Result<Vec<ClassFigures>, ReportError> = classes
        .map(|((class, scores), name)| class_figures(answers, (class, name, scores), resampling))
        .collect();
    Ok(Confusion {
        shares: shares(answers, resampling)?,
        classes: figures?,
        counts,
    })
}

fn shares(
    answers: &MethodAnswers,
    resampling: &Resampling,
) -> Result<Vec<Vec<Estimate>>, ReportError> {
    let classes = answers.predictions.classes();
    let of_row = |class: usize| {
        let in_row: Vec<bool> = answers
            .predictions
            .labels()
            .iter()
            .map(|label| *label == class)
            .collect();
        resampling.bin_shares(answers.predictions.predicted(), &in_row, classes)
    };
    (0..classes).map(of_row).collect()
}

fn class_figures(
    answers: &MethodAnswers,
    (class, name, scores): (usize, &String, ClassScores),
    resampling: &Resampling,
) -> Result<ClassFigures, ReportError> {
    let predictions = &answers.predictions;
    let is: Vec<bool> = predictions
        .labels()
        .iter()
        .map(|label| *label == class)
        .collect();
    let said: Vec<bool> = predictions
        .predicted()
        .iter()
        .map(|answer| *answer == class)
        .collect();
    let is_not: Vec<bool> = is.iter().map(|is| !is).collect();
    let not_said: Vec<bool> = said.iter().map(|said| !said).collect();
    let shares = resampling.shares(&[
        (&said, &is),
        (&not_said, &is_not),
        (&is, &said),
        (&is_not, &not_said),
    ])?;
    let against_rest = predictions.against_rest(class);
    let aurocs = resampling.estimates(|items| {
        vec![
            against_rest
                .resampled(items)
                .and_then(|scored| auroc(&scored)),
        ]
    })?;
    let mut estimates = shares.into_iter().chain(aurocs);
    let mut next = || estimates.next().unwrap_or(UNDEFINED);
    Ok(ClassFigures {
        name: name.clone(),
        cells: scores.support,
        recall: next(),
        specificity: next(),
        precision: next(),
        negative_predictive_value: next(),
        auroc: next(),
    })
}
