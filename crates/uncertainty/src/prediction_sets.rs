//! Prediction sets: the classes that cannot be excluded, by label-conditional conformal prediction.
//!
//! The score of a class is 1 − its probability. A class is in the set unless its p-value among the
//! calibration cells of this class is at most 1 − confidence. So for *each* class, at least the
//! share `confidence` of its cells have this class in their set. Without the condition, frequent
//! classes alone could make up that share.
//!
//! There are two levels. *By cell* assumes that the calibration cells of a class are exchangeable
//! (Vovk et al., 2005). *By image* assumes only that images are exchangeable, not cells of the same
//! image (Lee, Barber & Willett, arXiv 2306.06342, within the class). A class that occurs in few
//! images cannot be excluded by image.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Calibration cells of one class: the scores of its cells, for each image.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClassCalibration {
    images: BTreeMap<usize, Vec<f64>>,
}

/// For each class, the largest score, 1 − probability, with which it stays in the set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetThresholds {
    /// Share in (0, 1). Of the cells of each class, at least this share have their class in the
    /// set.
    pub confidence: f64,
    /// By cell: one threshold per class (C values, 0 to 1). With 1 the class is never excluded.
    pub by_cell: Vec<f64>,
    /// By image: one threshold per class (C values, 0 to 1).
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
    #[error(
        "the confidence of a prediction set is {0}, expected a number greater than 0 and less than 1, such as 0.95"
    )]
    Confidence(f64),
    /// The number of thresholds is not the number of classes.
    #[error("`{level}` has {found} thresholds, expected {expected}, one per class of the table")]
    Classes {
        /// `by_cell` or `by_image`.
        level: &'static str,
        /// How many thresholds there are.
        found: usize,
        /// How many classes there are.
        expected: usize,
    },
    /// A threshold is not between 0 and 1.
    #[error("`{level}` has the threshold {found}, expected a number from 0 to 1")]
    Threshold {
        /// `by_cell` or `by_image`.
        level: &'static str,
        /// Its value.
        found: f64,
    },
}

impl ClassCalibration {
    /// Groups cells by their true class. `cells` are (probabilities, true class, image number);
    /// cells of the same image have the same number. Returns one entry per class.
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

    /// Number of images that contain the class.
    pub fn images(&self) -> usize {
        self.images.len()
    }

    /// p-value by cell: (1 + number of cells with a score ≥ `score`) / (n + 1); 1 without cells.
    pub fn p_by_cell(&self, score: f64) -> f64 {
        let cells = self.images.values().map(Vec::len).sum::<usize>();
        let as_unlikely = self
            .images
            .values()
            .flatten()
            .filter(|other| **other >= score);
        (1 + as_unlikely.count()) as f64 / (1 + cells) as f64
    }

    /// p-value by image: (1 + sum over the K images of the share of their cells with a score ≥
    /// `score`) / (K + 1); 1 without images.
    pub fn p_by_image(&self, score: f64) -> f64 {
        let share = |scores: &Vec<f64>| {
            let as_unlikely = scores.iter().filter(|other| **other >= score).count();
            as_unlikely as f64 / scores.len() as f64
        };
        (1.0 + self.images.values().map(share).sum::<f64>()) / (1 + self.images.len()) as f64
    }

    /// The largest calibration score with a p-value above 1 − confidence; 1 if even an infinite
    /// score has one.
    fn threshold(&self, confidence: f64, p: impl Fn(&Self, f64) -> f64) -> f64 {
        let stays = |score: f64| p(self, score) > 1.0 - confidence;
        if stays(f64::INFINITY) {
            return 1.0;
        }
        let mut scores: Vec<f64> = self.images.values().flatten().copied().collect();
        scores.sort_by(f64::total_cmp);
        // p falls with the score, so a binary search finds the last score that stays.
        let staying = scores.partition_point(|score| stays(*score));
        let last = staying.checked_sub(1).and_then(|last| scores.get(last));
        last.copied().unwrap_or_default()
    }
}

impl SetThresholds {
    /// Fits the thresholds of every class at a confidence in (0, 1).
    ///
    /// ```
    /// use uncertainty::prediction_sets::{ClassCalibration, SetThresholds};
    ///
    /// // Ten images with one cell of each of two classes.
    /// let cells = (0..20).map(|cell| {
    ///     let probabilities: &[f64] = if cell % 2 == 0 { &[0.9, 0.1] } else { &[0.2, 0.8] };
    ///     (probabilities, cell % 2, cell / 2)
    /// });
    /// let thresholds = SetThresholds::fit(&ClassCalibration::of_classes(2, cells), 0.9)?;
    /// assert_eq!(thresholds.set(&[0.95, 0.05]).by_cell, [0]);
    /// assert_eq!(thresholds.set(&[0.5, 0.5]).by_cell, [] as [usize; 0], "no class is typical");
    /// # Ok::<(), uncertainty::SetError>(())
    /// ```
    ///
    /// # Errors
    /// [`SetError::Confidence`] if the confidence is not in (0, 1).
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

    /// Checks values that were read from a file, for `classes` classes.
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
