//! The confusion matrix and the figures of each class.

use serde::Serialize;

use super::{
    ReportError,
    question::MethodAnswers,
    resampling::{Resampling, UNDEFINED},
};
use crate::{
    Scored,
    bootstrap::Estimate,
    classification::{ConfusionMatrix, ratio},
    ranking::auroc,
};

/// The answers by true class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Confusion {
    /// Counts `[true class][answered class]`.
    pub counts: ConfusionMatrix,
    /// Share of each true class's cells; undefined for a class without cells.
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
    /// Share of the class's cells that are found (sensitivity).
    pub recall: Estimate,
    /// Share of the other cells that are not called this class.
    pub specificity: Estimate,
    /// Share of the answers of this class that are right (positive predictive value).
    pub precision: Estimate,
    /// Share of the other answers whose cells do not belong to this class.
    pub negative_predictive_value: Estimate,
    /// AUROC of the class's probability.
    pub auroc: Estimate,
}

impl ClassFigures {
    /// Its figures with their names in files.
    pub(super) fn named(&self) -> [(&'static str, &Estimate); 5] {
        [
            ("recall", &self.recall),
            ("specificity", &self.specificity),
            ("precision", &self.precision),
            ("negative_predictive_value", &self.negative_predictive_value),
            ("auroc", &self.auroc),
        ]
    }
}

pub(super) fn confusion(
    answers: &MethodAnswers,
    names: &[String],
    resampling: &Resampling,
) -> Result<Confusion, ReportError> {
    let predictions = &answers.predictions;
    let classes = predictions.classes();
    let against_rest: Vec<Scored> = (0..classes)
        .map(|class| predictions.against_rest(class))
        .collect();
    // Per class: the shares of its row, then the figures of `ClassFigures`.
    let estimates = resampling.estimates(|items| {
        let Some(resampled) = predictions.resampled(items) else {
            return Vec::new();
        };
        let counts = ConfusionMatrix::of(&resampled);
        let of_classes = counts.counts().iter().zip(counts.per_class());
        let values = of_classes.zip(&against_rest);
        values
            .flat_map(|((row, scores), scored)| {
                let shares = row.iter().map(move |count| ratio(*count, scores.support));
                shares.chain([
                    scores.recall,
                    scores.specificity,
                    scores.precision,
                    scores.negative_predictive_value,
                    scored.resampled(items).and_then(|scored| auroc(&scored)),
                ])
            })
            .collect()
    })?;
    let mut estimates = estimates.into_iter();
    let mut next = || estimates.next().unwrap_or(UNDEFINED);
    let counts = ConfusionMatrix::of(predictions);
    let (mut shares, mut figures) = (Vec::new(), Vec::new());
    for (name, scores) in names.iter().zip(counts.per_class()) {
        shares.push((0..classes).map(|_| next()).collect());
        figures.push(ClassFigures {
            name: name.clone(),
            cells: scores.support,
            recall: next(),
            specificity: next(),
            precision: next(),
            negative_predictive_value: next(),
            auroc: next(),
        });
    }
    Ok(Confusion {
        shares,
        classes: figures,
        counts,
    })
}
