//! Prediction sets of a bundle: of classes, of grades, and of normal and abnormal.

use serde::{Deserialize, Serialize};

use crate::{
    Label,
    label::{abnormality, grades},
};
use uncertainty::{
    PredictionSet, SetError,
    prediction_sets::{ClassCalibration, SetThresholds},
};

/// Thresholds of prediction sets at one confidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictionSets {
    /// For the C classes.
    pub classes: SetThresholds,
    /// For normal, low grade and high grade ([`grades`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grades: Option<SetThresholds>,
    /// For normal and abnormal ([`abnormality`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abnormality: Option<SetThresholds>,
}

/// A labelled calibration cell and its answer.
#[derive(Clone, Copy, Debug)]
pub struct SetCell<'a> {
    /// Mean probability of each class (C values).
    pub probabilities: &'a [f64],
    /// The true class.
    pub label: usize,
    /// Number of its image. Cells of the same image have the same number.
    pub image: usize,
}

/// The prediction sets of one cell: the classes or groups that cannot be excluded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellSets {
    /// Of the classes.
    pub classes: PredictionSet,
    /// Of normal, low grade and high grade.
    pub grades: Option<PredictionSet>,
    /// Of normal and abnormal.
    pub abnormality: Option<PredictionSet>,
}

/// Sums the class probabilities of each of `count` groups.
fn grouped(probabilities: &[f64], groups: &[usize], count: usize) -> Vec<f64> {
    let mut sums = vec![0.0; count];
    for (probability, group) in probabilities.iter().zip(groups) {
        if let Some(sum) = sums.get_mut(*group) {
            *sum += probability;
        }
    }
    sums
}

impl PredictionSets {
    /// Fits the thresholds at a confidence in (0, 1) to labelled cells that were not used for
    /// training.
    ///
    /// # Errors
    /// [`SetError::Confidence`] if the confidence is not in (0, 1).
    pub fn fit(labels: &[Label], cells: &[SetCell<'_>], confidence: f64) -> Result<Self, SetError> {
        let each: Vec<usize> = (0..labels.len()).collect();
        let of = |groups: &[usize], count: usize| {
            let sums = cells
                .iter()
                .map(|cell| grouped(cell.probabilities, groups, count));
            let sums: Vec<Vec<f64>> = sums.collect();
            let cells = cells.iter().zip(&sums).map(|(cell, sums)| {
                let group = groups.get(cell.label).copied().unwrap_or(count);
                (sums.as_slice(), group, cell.image)
            });
            SetThresholds::fit(&ClassCalibration::of_classes(count, cells), confidence)
        };
        Ok(Self {
            classes: of(&each, labels.len())?,
            grades: grades(labels).map(|groups| of(&groups, 3)).transpose()?,
            abnormality: abnormality(labels)
                .map(|groups| of(&groups, 2))
                .transpose()?,
        })
    }

    /// The prediction sets of a cell with these mean probabilities (C values).
    pub fn sets(&self, labels: &[Label], probabilities: &[f64]) -> CellSets {
        let of = |thresholds: &Option<SetThresholds>, groups: Option<Vec<usize>>, count: usize| {
            let sums = grouped(probabilities, &groups?, count);
            Some(thresholds.as_ref()?.set(&sums))
        };
        CellSets {
            classes: self.classes.set(probabilities),
            grades: of(&self.grades, grades(labels), 3),
            abnormality: of(&self.abnormality, abnormality(labels), 2),
        }
    }

    /// Checks values that were read from a file.
    ///
    /// # Errors
    /// Every variant of [`SetError`].
    pub(crate) fn check(&self, labels: &[Label]) -> Result<(), SetError> {
        self.classes.check(labels.len())?;
        for (thresholds, groups) in [(&self.grades, 3), (&self.abnormality, 2)] {
            if let Some(thresholds) = thresholds {
                thresholds.check(groups)?;
            }
        }
        Ok(())
    }
}
