//! What a server needs to tell an image from those of training.

use serde::{Deserialize, Serialize};

use super::{Gaussian, OodError, conformal::share_at_least};

/// A Gaussian over the statistics of the training cells, and the distances of calibration cells to it.
///
/// One Gaussian rather than one per class: what matters is how the image was made, and classes share that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OodModel {
    /// Over the S statistics of the training cells.
    pub gaussian: Gaussian,
    /// Mahalanobis distances of cells that the Gaussian was not fitted to, ascending.
    pub calibration_scores: Vec<f64>,
}

/// How unlike the training's images one image is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OodScore {
    /// Mahalanobis distance of its statistics, ≥ 0.
    pub score: f64,
    /// Conformal p-value: share of calibration cells at least as unlike, the image itself counted among them; in (0, 1].
    pub p_value: f64,
}

impl OodModel {
    /// Fits the Gaussian to the statistics of training cells, and scores those of calibration cells, which training
    /// must not have seen. Rows are of S values each; `ridge` is added to every variance.
    ///
    /// # Errors
    /// [`OodError`] `Empty` when either part has no rows, `Shape`, `NotFinite`, `Ridge` or `Singular`.
    pub fn fit(training: &[&[f32]], calibration: &[&[f32]], ridge: f64) -> Result<Self, OodError> {
        if calibration.is_empty() {
            return Err(OodError::Empty);
        }
        let rows: Vec<Vec<f64>> = training.iter().map(|row| widened(row)).collect();
        let mut model = Self {
            gaussian: Gaussian::fit(&rows, ridge)?,
            calibration_scores: Vec::new(),
        };
        let scores = calibration.iter().map(|row| model.score(row));
        let mut scores = scores.collect::<Result<Vec<_>, _>>()?;
        scores.sort_by(f64::total_cmp);
        model.calibration_scores = scores;
        Ok(model)
    }

    /// S, the number of statistics of an image.
    pub fn statistic_count(&self) -> usize {
        self.gaussian.mean.len()
    }

    /// The Mahalanobis distance of an image's S statistics.
    ///
    /// # Errors
    /// [`OodError`] `Shape` or `NotFinite`.
    pub fn score(&self, statistics: &[f32]) -> Result<f64, OodError> {
        let squared = self.gaussian.squared_distance(&widened(statistics))?;
        Ok(squared.sqrt())
    }

    /// (1 + number of calibration scores ≥ `score`) / (n + 1); small is unlike.
    pub fn p_value(&self, score: f64) -> f64 {
        share_at_least(&self.calibration_scores, score)
    }

    /// Score and p-value of an image's S statistics.
    ///
    /// # Errors
    /// See [`OodModel::score`].
    pub fn judge(&self, statistics: &[f32]) -> Result<OodScore, OodError> {
        let score = self.score(statistics)?;
        Ok(OodScore {
            score,
            p_value: self.p_value(score),
        })
    }

    /// Checks what a file may get wrong.
    ///
    /// # Errors
    /// What [`Gaussian::check`] finds, and [`OodError::CalibrationScores`].
    pub fn check(&self) -> Result<(), OodError> {
        self.gaussian.check()?;
        let scores = &self.calibration_scores;
        let possible = |score: &f64| score.is_finite() && *score >= 0.0;
        if scores.is_empty() || !scores.is_sorted() || !scores.iter().all(possible) {
            return Err(OodError::CalibrationScores);
        }
        Ok(())
    }
}

fn widened(row: &[f32]) -> Vec<f64> {
    row.iter().copied().map(f64::from).collect()
}
