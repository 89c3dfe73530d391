//! How unlike the cells of training an image is, from features or statistics of a layer.
//!
//! [`OodModel`] is the Mahalanobis distance to one Gaussian over all training cells, with a conformal p-value.

mod conformal;
mod error;
mod gaussian;

use serde::{Deserialize, Serialize};

pub use conformal::conformal_p;
pub use error::OodError;
pub use gaussian::Gaussian;

/// A Gaussian over the statistics of the training cells, and the distances of calibration cells to it.
///
/// One Gaussian rather than one per class: what matters is how the image was made, and classes share that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OodModel {
    /// Over the S statistics of the training cells.
    pub gaussian: Gaussian,
    /// Mahalanobis distances of cells, ascending, each to a Gaussian that was not fitted to it.
    pub calibration_scores: Vec<f64>,
}

/// How unlike the training's images one image is.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
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
    /// ```
    /// use uncertainty::ood::OodModel;
    ///
    /// let rows: Vec<[f32; 1]> = (0..100_u8).map(|row| [f32::from(row)]).collect();
    /// let rows: Vec<&[f32]> = rows.iter().map(|row| row.as_slice()).collect();
    /// let model = OodModel::fit(&rows, &rows, 1e-4)?;
    /// assert!(model.judge(&[50.0])?.p_value > 0.9);
    /// assert!(model.judge(&[5000.0])?.p_value < 0.01);
    /// # Ok::<(), uncertainty::ood::OodError>(())
    /// ```
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

    /// Fits the Gaussian to the statistics of every cell, of all parts, and scores the cells of each part by a Gaussian of the
    /// other parts: cross-conformal (Vovk, *Cross-conformal predictors*, 2015). Every cell then both teaches what is usual
    /// and says how far usual cells lie from it, which is right only where nothing else has learnt from any of them. Also
    /// returns the scores of each part, in its order.
    ///
    /// # Errors
    /// [`OodError`] `Empty` with fewer than two parts that have rows, and what [`OodModel::fit`] says.
    pub fn fit_across(
        parts: &[Vec<&[f32]>],
        ridge: f64,
    ) -> Result<(Self, Vec<Vec<f64>>), OodError> {
        let mut of_parts = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            let others = parts
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != number);
            let others: Vec<&[f32]> = others.flat_map(|(_, rows)| rows.iter().copied()).collect();
            let model = Self::fit(&others, part, ridge)?;
            let scores: Result<Vec<f64>, _> = part.iter().map(|row| model.score(row)).collect();
            of_parts.push(scores?);
        }
        let every = parts.concat();
        let mut model = Self::fit(&every, &every, ridge)?;
        model.calibration_scores = of_parts.concat();
        model.calibration_scores.sort_by(f64::total_cmp);
        Ok((model, of_parts))
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
        (1 + self.at_least(score)) as f64 / (1 + self.calibration_scores.len()) as f64
    }

    /// The p-value that a calibration cell would have, had it been left out: of a `score` that is one of the calibration's, the
    /// cell itself standing for the 1 in [`OodModel::p_value`].
    pub fn p_value_left_out(&self, score: f64) -> f64 {
        self.at_least(score) as f64 / self.calibration_scores.len().max(1) as f64
    }

    fn at_least(&self, score: f64) -> usize {
        let scores = &self.calibration_scores;
        scores.len() - scores.partition_point(|other| *other < score)
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
