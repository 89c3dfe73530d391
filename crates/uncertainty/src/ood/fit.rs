//! Fits mean and covariance to the training cells, and computes the distances of calibration cells.

use std::collections::BTreeMap;

use super::{Gaussian, OodError, OodModel, check_row, difference, forward, widened};

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
    /// [`OodError`] `Empty`, `Shape`, `NotFinite`, `Ridge`, or `Singular` if the ridge is too small
    /// for the covariance to be invertible.
    pub fn fit(rows: &[Vec<f64>], ridge: f64) -> Result<Self, OodError> {
        check_rows(rows)?;
        let mean = mean_of(rows);
        let deviations = rows.iter().map(|row| difference(row, &mean));
        let factor = factor_of(&covariance(deviations, mean.len(), ridge)?)?;
        Ok(Self { mean, factor })
    }
}

impl OodModel {
    /// Fits the Gaussian to the statistics of training cells and computes the distances of
    /// calibration cells, which must not be among the training cells. Rows have S values each;
    /// `ridge` is added to every variance.
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
    /// [`OodError`] `Empty` if either part has no rows, `Shape`, `NotFinite`, `Ridge` or
    /// `Singular`.
    pub fn fit(training: &[&[f32]], calibration: &[&[f32]], ridge: f64) -> Result<Self, OodError> {
        if calibration.is_empty() {
            return Err(OodError::Empty);
        }
        let rows: Vec<Vec<f64>> = training.iter().map(|row| widened(row)).collect();
        let mut model = Self {
            gaussian: Gaussian::fit(&rows, ridge)?,
            calibration_scores: Vec::new(),
            calibration_weights: Vec::new(),
        };
        let scores = calibration.iter().map(|row| model.score(row));
        let mut scores = scores.collect::<Result<Vec<_>, _>>()?;
        scores.sort_by(f64::total_cmp);
        model.calibration_scores = scores;
        Ok(model)
    }

    /// A model from a Gaussian and the distances of calibration cells. `distances` are (distance,
    /// image number); cells of the same image have the same number. Every image has the same
    /// weight, regardless of its number of cells.
    pub fn of_images(
        gaussian: Gaussian,
        distances: impl IntoIterator<Item = (f64, usize)>,
    ) -> Self {
        let mut distances: Vec<(f64, usize)> = distances.into_iter().collect();
        distances.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(&right.1)));
        let mut cells: BTreeMap<usize, f64> = BTreeMap::new();
        for (_, image) in &distances {
            *cells.entry(*image).or_default() += 1.0;
        }
        let weight = |(_, image): &(f64, usize)| 1.0 / cells.get(image).copied().unwrap_or(1.0);
        Self {
            gaussian,
            calibration_weights: distances.iter().map(weight).collect(),
            calibration_scores: distances
                .into_iter()
                .map(|(distance, _)| distance)
                .collect(),
        }
    }
}

/// Checks that there is a row and that all rows are finite and of the same length. Returns that
/// length.
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

/// The mean of rows of the same length.
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

/// The Cholesky factor L of a symmetric matrix, which is given by its lower triangle.
fn factor_of(triangle: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, OodError> {
    let mut factor: Vec<Vec<f64>> = Vec::with_capacity(triangle.len());
    for (index, values) in triangle.iter().enumerate() {
        let mut row = forward(&factor, values);
        let variance = values.last().copied().unwrap_or_default();
        let rest = variance - row.iter().map(|value| value * value).sum::<f64>();
        // A value that other values determine leaves only rounding error here.
        let rounding = variance * f64::EPSILON * triangle.len() as f64;
        if !(rest.is_finite() && rest > rounding) {
            return Err(OodError::Singular { index });
        }
        row.push(rest.sqrt());
        factor.push(row);
    }
    Ok(factor)
}
