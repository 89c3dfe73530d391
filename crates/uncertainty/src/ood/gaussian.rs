//! A Gaussian in many dimensions, and the Mahalanobis distance to its mean.

use serde::{Deserialize, Serialize};

use super::OodError;

/// A Gaussian over rows of S values: its mean and the lower-triangular factor L of its covariance, L Lᵀ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gaussian {
    /// The mean, S values.
    pub mean: Vec<f64>,
    /// L, row by row: row i has i + 1 values (i from 0), of which the last is above 0.
    pub factor: Vec<Vec<f64>>,
}

impl Gaussian {
    /// Fits mean and covariance, (1/N) Σ (x − mean)(x − mean)ᵀ + ridge · I, to N rows.
    ///
    /// ```
    /// use uncertainty::ood::Gaussian;
    ///
    /// let gaussian = Gaussian::fit(&[vec![1.0], vec![3.0]], 0.0)?;
    /// assert_eq!(gaussian.squared_distance(&[4.0])?, 4.0);
    /// # Ok::<(), uncertainty::ood::OodError>(())
    /// ```
    ///
    /// # Errors
    /// [`OodError`] `Empty`, `Shape`, `NotFinite`, `Ridge`, or `Singular` where the ridge is too small for the
    /// covariance to have an inverse.
    pub fn fit(rows: &[Vec<f64>], ridge: f64) -> Result<Self, OodError> {
        check_rows(rows)?;
        let mean = mean_of(rows);
        let deviations = rows.iter().map(|row| difference(row, &mean));
        let factor = factor_of(&covariance(deviations, mean.len(), ridge)?)?;
        Ok(Self { mean, factor })
    }

    /// The squared Mahalanobis distance (x − mean)ᵀ (L Lᵀ)⁻¹ (x − mean).
    ///
    /// # Errors
    /// [`OodError`] `Shape` unless the row has S values, `NotFinite` when a value is not finite or so far away that its
    /// distance is not.
    pub fn squared_distance(&self, row: &[f64]) -> Result<f64, OodError> {
        check_row(0, row, self.mean.len())?;
        let squared = squared_norm(&self.factor, &difference(row, &self.mean));
        if squared.is_finite() {
            Ok(squared)
        } else {
            Err(OodError::NotFinite { row: 0 })
        }
    }

    /// Checks what a file may get wrong.
    ///
    /// # Errors
    /// [`OodError`] `Empty`, `NotFinite`, `Shape` when the factor has not one row per value of the mean, or `Factor`.
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

/// The mean of one row or more of one length.
fn mean_of(rows: &[Vec<f64>]) -> Vec<f64> {
    let mut sums = vec![0.0; rows.first().map_or(0, Vec::len)];
    for row in rows {
        sums.iter_mut()
            .zip(row)
            .for_each(|(sum, value)| *sum += value);
    }
    let count = rows.len() as f64;
    sums.into_iter().map(|sum| sum / count).collect()
}

/// x − mean
fn difference(row: &[f64], mean: &[f64]) -> Vec<f64> {
    row.iter()
        .zip(mean)
        .map(|(value, mean)| value - mean)
        .collect()
}

/// The lower triangle of (1/N) Σ d dᵀ + ridge · I over N deviations of `size` values.
fn covariance(
    deviations: impl Iterator<Item = Vec<f64>>,
    size: usize,
    ridge: f64,
) -> Result<Vec<Vec<f64>>, OodError> {
    if !(ridge.is_finite() && ridge >= 0.0) {
        return Err(OodError::Ridge(ridge));
    }
    let mut triangle: Vec<Vec<f64>> = (0..size).map(|row| vec![0.0; row + 1]).collect();
    let mut count = 0.0;
    for deviation in deviations {
        for (sums, left) in triangle.iter_mut().zip(&deviation) {
            let products = deviation.iter().map(|right| left * right);
            sums.iter_mut()
                .zip(products)
                .for_each(|(sum, product)| *sum += product);
        }
        count += 1.0;
    }
    for sums in &mut triangle {
        sums.iter_mut().for_each(|sum| *sum /= count);
        if let Some(variance) = sums.last_mut() {
            *variance += ridge;
        }
    }
    Ok(triangle)
}

/// The factor L of a symmetric matrix given by its lower triangle (Cholesky).
fn factor_of(triangle: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, OodError> {
    let mut factor: Vec<Vec<f64>> = Vec::with_capacity(triangle.len());
    for (index, values) in triangle.iter().enumerate() {
        let mut row = forward(&factor, values);
        let variance = values.last().copied().unwrap_or_default();
        let rest = variance - row.iter().map(|value| value * value).sum::<f64>();
        // What is left of a variance that others explain is rounding.
        let rounding = variance * f64::EPSILON * triangle.len() as f64;
        if !(rest.is_finite() && rest > rounding) {
            return Err(OodError::Singular { index });
        }
        row.push(rest.sqrt());
        factor.push(row);
    }
    Ok(factor)
}

/// dᵀ (L Lᵀ)⁻¹ d
fn squared_norm(factor: &[Vec<f64>], deviation: &[f64]) -> f64 {
    let whitened = forward(factor, deviation);
    whitened.iter().map(|value| value * value).sum()
}

/// Solves L y = d by forward substitution; where d is longer than L has rows, the rest of d does not matter.
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

/// Checks that there is a row and that all rows are finite and of one length, and returns that length.
fn check_rows(rows: &[Vec<f64>]) -> Result<usize, OodError> {
    let expected = rows.first().ok_or(OodError::Empty)?.len();
    if expected == 0 {
        return Err(OodError::Empty);
    }
    for (row, values) in rows.iter().enumerate() {
        check_row(row, values, expected)?;
    }
    Ok(expected)
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
