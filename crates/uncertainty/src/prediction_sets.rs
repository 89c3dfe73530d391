//! Which classes cannot be excluded: label-conditional conformal sets.
//!
//! The score of a class is 1 − its probability. A class is in the set unless its p-value, among calibration cells that have this
//! class, is at most 1 − confidence. So of the cells of *each* class at least the confidence have their class in the set, and not
//! only of all cells together, which common classes would fill.
//!
//! Two levels: *by cell* takes the calibration cells of a class for exchangeable (Vovk et al., 2005); *by image* takes only images for
//! exchangeable, whose cells are alike (Lee, Barber & Willett, arXiv 2306.06342, within the class). A class that lies in few
//! images cannot be excluded by image.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Calibration cells of one class: the images that hold it, each with the scores of its cells.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClassCalibration {
    images: BTreeMap<usize, Vec<f64>>,
}

/// The largest score, 1 − probability, at which each class stays in the set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetThresholds {
    /// Of the cells of each class, at least this share have their class in the set; in (0, 1).
    pub confidence: f64,
    /// By cell, one threshold per class (C values, 0 to 1); 1 where the class can never be excluded.
    pub by_cell: Vec<f64>,
    /// By image, likewise.
    pub by_image: Vec<f64>,
}

/// Indices of the classes that cannot be excluded, ascending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PredictionSet {
    /// By cell.
    pub by_cell: Vec<usize>,
    /// By image.
    pub by_image: Vec<usize>,
}

/// Why thresholds of prediction sets cannot be used.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum SetError {
    /// The confidence is not strictly between 0 and 1.
    #[error("the confidence of a prediction set is {0}; it must be greater than 0 and less than 1")]
    Confidence(f64),
    /// There is not one threshold per class.
    #[error("`{level}` has {found} thresholds; it must have one per class, {expected}")]
    Classes {
        /// `by_cell` or `by_image`.
        level: &'static str,
        /// How many thresholds there are.
        found: usize,
        /// How many classes there are.
        expected: usize,
    },
    /// A threshold is not between 0 and 1.
    #[error("`{level}` has the threshold {found}; it must be from 0 to 1")]
    Threshold {
        /// `by_cell` or `by_image`.
        level: &'static str,
        /// What it is.
        found: f64,
    },
}

impl ClassCalibration {
    /// The cells of each of `classes` classes. `cells` are (probabilities, true class, image number); any numbering of images does.
    pub fn of_classes<'a>(
        classes: usize,
        cells: impl IntoIterator<Item = (&'a [f64], usize, usize)>,
    ) -> Vec<ClassCalibration> {
        let mut of_classes = vec![ClassCalibration::default(); classes];
        for (probabilities, label, image) in cells {
            let probability = probabilities.get(label).copied().unwrap_or_default();
            if let Some(class) = of_classes.get_mut(label) {
                let scores = class.images.entry(image).or_default();
                scores.push(1.0 - probability);
            }
        }
        of_classes
    }

    /// How many images hold the class.
    pub fn images(&self) -> usize {
        self.images.len()
    }

    /// (1 + number of cells with a score ≥ `score`) / (n + 1); 1 without cells.
    pub fn p_by_cell(&self, score: f64) -> f64 {
        let cells = self.images.values().map(Vec::len).sum::<usize>();
        let as_unlikely = self
            .images
            .values()
            .flatten()
            .filter(|other| **other >= score);
        (1 + as_unlikely.count()) as f64 / (1 + cells) as f64
    }

    /// (1 + sum over the K images of the share of their cells with a score ≥ `score`) / (K + 1); 1 without images.
    pub fn p_by_image(&self, score: f64) -> f64 {
        let share = |scores: &Vec<f64>| {
            let as_unlikely = scores.iter().filter(|other| **other >= score).count();
            as_unlikely as f64 / scores.len() as f64
        };
        (1.0 + self.images.values().map(share).sum::<f64>()) / (1 + self.images.len()) as f64
    }

    /// The largest calibration score with a p-value above 1 − confidence; 1 when even a larger score has one.
    fn threshold(&self, confidence: f64, p: impl Fn(&Self, f64) -> f64) -> f64 {
        let stays = |score: f64| p(self, score) > 1.0 - confidence;
        if stays(f64::INFINITY) {
            return 1.0;
        }
        let mut scores: Vec<f64> = self.images.values().flatten().copied().collect();
        scores.sort_by(f64::total_cmp);
        // p falls as the score grows.
        let staying = scores.partition_point(|score| stays(*score));
        let last = staying.checked_sub(1).and_then(|last| scores.get(last));
        last.copied().unwrap_or_default()
    }
}

impl SetThresholds {
    /// Thresholds of every class at a confidence.
    ///
    /// ```
    /// use uncertainty::prediction_sets::{ClassCalibration, SetThresholds};
    ///
    /// // Ten images with a cell of each of two classes, all of them told apart well.
    /// let cells = (0..20).map(|cell| {
    ///     let probabilities: &[f64] = if cell % 2 == 0 { &[0.9, 0.1] } else { &[0.2, 0.8] };
    ///     (probabilities, cell % 2, cell / 2)
    /// });
    /// let thresholds = SetThresholds::fit(&ClassCalibration::of_classes(2, cells), 0.9)?;
    /// assert_eq!(thresholds.set(&[0.95, 0.05]).by_cell, [0]);
    /// assert_eq!(thresholds.set(&[0.5, 0.5]).by_cell, [] as [usize; 0], "it is like neither class");
    /// # Ok::<(), uncertainty::SetError>(())
    /// ```
    ///
    /// # Errors
    /// [`SetError::Confidence`].
    pub fn fit(classes: &[ClassCalibration], confidence: f64) -> Result<SetThresholds, SetError> {
        let of = |p: fn(&ClassCalibration, f64) -> f64| {
            let thresholds = classes.iter().map(|class| class.threshold(confidence, p));
            thresholds.collect()
        };
        let thresholds = SetThresholds {
            confidence,
            by_cell: of(ClassCalibration::p_by_cell),
            by_image: of(ClassCalibration::p_by_image),
        };
        thresholds.check(classes.len())?;
        Ok(thresholds)
    }

    /// Checks what a file may get wrong.
    ///
    /// # Errors
    /// Every variant of [`SetError`].
    pub fn check(&self, classes: usize) -> Result<(), SetError> {
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            return Err(SetError::Confidence(self.confidence));
        }
        for (level, thresholds) in [("by_cell", &self.by_cell), ("by_image", &self.by_image)] {
            if thresholds.len() != classes {
                return Err(SetError::Classes {
                    level,
                    found: thresholds.len(),
                    expected: classes,
                });
            }
            let wrong = thresholds
                .iter()
                .find(|value| !(0.0..=1.0).contains(*value));
            if let Some(&found) = wrong {
                return Err(SetError::Threshold { level, found });
            }
        }
        Ok(())
    }

    /// The classes that cannot be excluded for a cell with these probabilities (C values).
    pub fn set(&self, probabilities: &[f64]) -> PredictionSet {
        let staying = |thresholds: &[f64]| {
            let pairs = probabilities.iter().zip(thresholds).enumerate();
            let stay =
                pairs.filter(|(_, (probability, threshold))| 1.0 - **probability <= **threshold);
            stay.map(|(class, _)| class).collect()
        };
        PredictionSet {
            by_cell: staying(&self.by_cell),
            by_image: staying(&self.by_image),
        }
    }
}
