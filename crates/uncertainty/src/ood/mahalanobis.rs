//! Mahalanobis distances to classes and to their background.

use std::collections::BTreeMap;

use super::{
    Gaussian, OodError, check_row, check_rows,
    gaussian::{covariance, difference, factor_of, mean_of, squared_norm},
};

/// One Gaussian per class with a covariance that all share (Lee et al., *A simple unified framework for detecting
/// out-of-distribution samples*, 2018), and one over all classes together, the background.
#[derive(Debug, Clone, PartialEq)]
pub struct Mahalanobis {
    class_means: BTreeMap<usize, Vec<f64>>,
    shared_factor: Vec<Vec<f64>>,
    background: Gaussian,
}

/// Squared Mahalanobis distances of one row.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassDistances {
    /// Squared distance to each class, by ascending label.
    pub squared: BTreeMap<usize, f64>,
    /// The nearest class; the lowest label when several are nearest.
    pub nearest_class: usize,
    /// Squared distance to the nearest class.
    pub nearest_squared: f64,
    /// Squared distance to the background.
    pub background_squared: f64,
}

impl ClassDistances {
    /// The distance to the nearest class.
    pub fn nearest(&self) -> f64 {
        self.nearest_squared.sqrt()
    }

    /// The nearest class' squared distance less the background's (Ren et al., *A simple fix to Mahalanobis distance*,
    /// 2021); may be negative.
    pub fn relative(&self) -> f64 {
        self.nearest_squared - self.background_squared
    }
}

impl Mahalanobis {
    /// Fits to N rows with one label each. Both covariances are sums over N, divided by N, plus ridge · I.
    ///
    /// # Errors
    /// [`OodError`] `Empty`, `Shape`, `NotFinite`, `LabelCount`, `Ridge` or `Singular`.
    pub fn fit(rows: &[Vec<f64>], labels: &[usize], ridge: f64) -> Result<Self, OodError> {
        let size = check_rows(rows)?;
        if rows.len() != labels.len() {
            return Err(OodError::LabelCount {
                labels: labels.len(),
                rows: rows.len(),
            });
        }
        let mut rows_of: BTreeMap<usize, Vec<&Vec<f64>>> = BTreeMap::new();
        for (label, row) in labels.iter().zip(rows) {
            rows_of.entry(*label).or_default().push(row);
        }
        let means = rows_of
            .iter()
            .map(|(label, rows)| (*label, mean_of(rows.iter().copied())));
        let class_means: BTreeMap<usize, Vec<f64>> = means.collect();
        let within = rows_of.values().zip(class_means.values());
        let deviations =
            within.flat_map(|(rows, mean)| rows.iter().map(|row| difference(row, mean)));
        Ok(Self {
            shared_factor: factor_of(&covariance(deviations, size, ridge)?)?,
            background: Gaussian::fit(rows, ridge)?,
            class_means,
        })
    }

    /// Mean of each class, by ascending label.
    pub fn class_means(&self) -> &BTreeMap<usize, Vec<f64>> {
        &self.class_means
    }

    /// The Gaussian over all classes together.
    pub fn background(&self) -> &Gaussian {
        &self.background
    }

    /// Every distance of a row.
    ///
    /// # Errors
    /// [`OodError`] `Shape` or `NotFinite`.
    pub fn distances(&self, row: &[f64]) -> Result<ClassDistances, OodError> {
        check_row(0, row, self.background.mean.len())?;
        let to_class = |(label, mean): (&usize, &Vec<f64>)| {
            let squared = squared_norm(&self.shared_factor, &difference(row, mean));
            (*label, squared)
        };
        let squared: BTreeMap<usize, f64> = self.class_means.iter().map(to_class).collect();
        // The first of equal minima is kept: the lowest label.
        let nearest = squared
            .iter()
            .min_by(|left, right| left.1.total_cmp(right.1));
        let (nearest_class, nearest_squared) = nearest.ok_or(OodError::Empty)?;
        if !nearest_squared.is_finite() {
            return Err(OodError::NotFinite { row: 0 });
        }
        Ok(ClassDistances {
            nearest_class: *nearest_class,
            nearest_squared: *nearest_squared,
            background_squared: self.background.squared_distance(row)?,
            squared,
        })
    }
}
