//! Out-of-distribution scores from features or statistics of a layer.
//!
//! [`OodModel`] is the Mahalanobis distance to one Gaussian over all training cells, with a
//! conformal p-value.

mod conformal;
mod error;
mod fit;

use serde::{Deserialize, Serialize};

pub use conformal::conformal_p;
pub use error::OodError;

/// A Gaussian over rows of S values: its mean and the lower-triangular Cholesky factor L of its
/// covariance L Lᵀ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gaussian {
    /// The mean, S values.
    pub mean: Vec<f64>,
    /// L, row by row. Row i (counted from 0) has i + 1 values, the last above 0.
    pub factor: Vec<Vec<f64>>,
}

impl Gaussian {
    /// The squared Mahalanobis distance (x − mean)ᵀ (L Lᵀ)⁻¹ (x − mean).
    ///
    /// # Errors
    /// [`OodError`] `Shape` if the row does not have S values, `NotFinite` if a value or the
    /// distance is NaN or infinite.
    pub fn squared_distance(&self, row: &[f64]) -> Result<f64, OodError> {
        check_row(0, row, self.mean.len())?;
        let squared = squared_norm(&self.factor, &difference(row, &self.mean));
        if squared.is_finite() {
            Ok(squared)
        } else {
            Err(OodError::NotFinite { row: 0 })
        }
    }

    /// Checks values that were read from a file.
    ///
    /// # Errors
    /// [`OodError`] `Empty`, `NotFinite`, `Shape` if the factor does not have one row per value of
    /// the mean, or `Factor`.
    pub fn check(&self) -> Result<(), OodError> {
        if self.mean.is_empty() {
            return Err(OodError::Empty);
        }
        check_row(0, &self.mean, self.mean.len())?;
        if self.factor.len() != self.mean.len() {
            return Err(OodError::Shape {
                row: 0,
                found: self.mean.len(),
                expected: self.factor.len(),
            });
        }
        for (row, values) in self.factor.iter().enumerate() {
            let is_triangular = values.len() == row + 1;
            let has_inverse = values.last().is_some_and(|diagonal| *diagonal > 0.0);
            if !(is_triangular && has_inverse) {
                return Err(OodError::Factor { row });
            }
            check_row(row, values, row + 1)?;
        }
        Ok(())
    }
}

/// The Gaussian of the training cells' statistics, and the distances of calibration cells to it.
///
/// It is one Gaussian rather than one per class, because the score should detect unusual images,
/// and the imaging process is the same for all classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OodModel {
    /// The Gaussian of the S statistics of the training cells.
    pub gaussian: Gaussian,
    /// Mahalanobis distances of calibration cells, ascending. Each was computed with a Gaussian
    /// that was not fitted to its cell.
    pub calibration_scores: Vec<f64>,
    /// Weight of each distance, in (0, 1]: 1 / (number of calibration cells of the same image), so
    /// that every image counts once. If empty, every cell counts once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calibration_weights: Vec<f64>,
}

/// The out-of-distribution score of an image.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct OodScore {
    /// Mahalanobis distance of its statistics, 0 or more.
    pub score: f64,
    /// Conformal p-value in (0, 1]: the weighted share of calibration cells with at least this
    /// distance, with this image counted among them. Small values mean that the image is unlike the
    /// training images.
    pub p_value: f64,
}

impl OodModel {
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

    /// The p-value: (1 + weight of the calibration scores ≥ `score`) / (1 + weight of all), in (0,
    /// 1].
    ///
    /// With the weights of [`OodModel::of_images`], the weight of all is the number of images. Then
    /// only images need to be exchangeable, not cells of the same image (Lee, Barber & Willett,
    /// arXiv 2306.06342).
    pub fn p_value(&self, score: f64) -> f64 {
        (1.0 + self.weight_from(score)) / (1.0 + self.weight_of(0))
    }

    /// The leave-one-image-out p-value of a calibration cell. `of_image` are the scores of all
    /// calibration cells of its image, in any order.
    pub fn p_value_left_out(&self, score: f64, of_image: &[f64]) -> f64 {
        let at_least = of_image.iter().filter(|other| **other >= score).count();
        let own = at_least as f64 / of_image.len().max(1) as f64;
        (1.0 + self.weight_from(score) - own) / self.weight_of(0).max(1.0)
    }

    /// The weight of the calibration scores that are at least `score`.
    fn weight_from(&self, score: f64) -> f64 {
        self.weight_of(
            self.calibration_scores
                .partition_point(|other| *other < score),
        )
    }

    /// The weight of the calibration scores from index `first` on.
    fn weight_of(&self, first: usize) -> f64 {
        if self.calibration_weights.is_empty() {
            return self.calibration_scores.len().saturating_sub(first) as f64;
        }
        self.calibration_weights.iter().skip(first).sum()
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

    /// Checks values that were read from a file.
    ///
    /// # Errors
    /// What [`Gaussian::check`] finds, [`OodError::CalibrationScores`] and
    /// [`OodError::CalibrationWeights`].
    pub fn check(&self) -> Result<(), OodError> {
        self.gaussian.check()?;
        let scores = &self.calibration_scores;
        let possible = |score: &f64| score.is_finite() && *score >= 0.0;
        if scores.is_empty() || !scores.is_sorted() || !scores.iter().all(possible) {
            return Err(OodError::CalibrationScores);
        }
        let weights = &self.calibration_weights;
        let possible = |weight: &f64| *weight > 0.0 && *weight <= 1.0;
        let complete = weights.is_empty() || weights.len() == scores.len();
        if !complete || !weights.iter().all(possible) {
            return Err(OodError::CalibrationWeights);
        }
        Ok(())
    }
}

fn widened(row: &[f32]) -> Vec<f64> {
    row.iter().copied().map(f64::from).collect()
}

/// x − mean
fn difference(row: &[f64], mean: &[f64]) -> Vec<f64> {
    row.iter()
        .zip(mean)
        .map(|(value, mean)| value - mean)
        .collect()
}

/// dᵀ (L Lᵀ)⁻¹ d
fn squared_norm(factor: &[Vec<f64>], deviation: &[f64]) -> f64 {
    let whitened = forward(factor, deviation);
    whitened.iter().map(|value| value * value).sum()
}

/// Solves L y = d by forward substitution. Values of d beyond the rows of L are ignored.
fn forward(factor: &[Vec<f64>], right: &[f64]) -> Vec<f64> {
    let mut solved: Vec<f64> = Vec::with_capacity(factor.len());
    for (row, value) in factor.iter().zip(right) {
        let Some((diagonal, before)) = row.split_last() else {
            break;
        };
        let known: f64 = before.iter().zip(&solved).map(|(l, y)| l * y).sum();
        solved.push((value - known) / diagonal);
    }
    solved
}

fn check_row(row: usize, values: &[f64], expected: usize) -> Result<(), OodError> {
    if values.len() != expected {
        return Err(OodError::Shape {
            row,
            found: values.len(),
            expected,
        });
    }
    if values.iter().any(|value| !value.is_finite()) {
        return Err(OodError::NotFinite { row });
    }
    Ok(())
}
