//! Distance to the k-th nearest training row.

use super::{OodError, check_row, check_rows};

/// Below this, a norm is taken for it, so that a row of zeros stays one.
const SMALLEST_NORM: f64 = 1e-12;

/// Training rows to be near to (Sun et al., *Out-of-distribution detection with deep nearest neighbors*, 2022).
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbours {
    rows: Vec<Vec<f64>>,
    normalised: bool,
}

impl Neighbours {
    /// Compares rows as they are.
    ///
    /// # Errors
    /// [`OodError`] `Empty`, `Shape` or `NotFinite`.
    pub fn new(rows: Vec<Vec<f64>>) -> Result<Self, OodError> {
        check_rows(&rows)?;
        Ok(Self {
            rows,
            normalised: false,
        })
    }

    /// Compares directions: every row is first divided by its Euclidean norm.
    ///
    /// # Errors
    /// [`OodError`] `Empty`, `Shape` or `NotFinite`.
    pub fn normalised(rows: &[Vec<f64>]) -> Result<Self, OodError> {
        check_rows(rows)?;
        Ok(Self {
            rows: rows.iter().map(|row| direction(row)).collect(),
            normalised: true,
        })
    }

    /// The Euclidean distance of `row` to its `k`-th nearest neighbour, `k` from 1.
    ///
    /// # Errors
    /// [`OodError`] `Neighbour` unless 1 ≤ k ≤ N, `Shape` or `NotFinite`.
    pub fn distance(&self, row: &[f64], k: usize) -> Result<f64, OodError> {
        check_row(0, row, self.rows.first().map_or(0, Vec::len))?;
        let no_such = OodError::Neighbour {
            k,
            rows: self.rows.len(),
        };
        let Some(place) = k.checked_sub(1).filter(|place| *place < self.rows.len()) else {
            return Err(no_such);
        };
        let asked = if self.normalised {
            direction(row)
        } else {
            row.to_vec()
        };
        let to_asked = self.rows.iter().map(|other| euclidean(other, &asked));
        let mut distances: Vec<f64> = to_asked.collect();
        let (_, distance, _) = distances.select_nth_unstable_by(place, f64::total_cmp);
        Ok(*distance)
    }
}

fn direction(row: &[f64]) -> Vec<f64> {
    let norm = row.iter().map(|value| value * value).sum::<f64>().sqrt();
    let norm = norm.max(SMALLEST_NORM);
    row.iter().map(|value| value / norm).collect()
}

fn euclidean(left: &[f64], right: &[f64]) -> f64 {
    let pairs = left.iter().zip(right);
    let squares = pairs.map(|(left, right)| (left - right).powi(2));
    squares.sum::<f64>().sqrt()
}
