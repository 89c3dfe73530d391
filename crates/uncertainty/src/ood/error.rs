//! Errors of out-of-distribution models and scores.

use thiserror::Error;

/// Why a model or a score cannot be computed. Rows are counted from 0.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum OodError {
    /// There are no rows, or rows without values.
    #[error("no values were given: give at least one row with at least one value")]
    Empty,
    /// A row has an unexpected length.
    #[error(
        "row {row} (counted from 0) has {found} values, expected {expected}: give all rows the same length"
    )]
    Shape {
        /// The first such row.
        row: usize,
        /// How many values it has.
        found: usize,
        /// How many were expected.
        expected: usize,
    },
    /// A value or its distance is NaN or infinite.
    #[error(
        "the statistics of row {row} (counted from 0), or their distance from the training images, are NaN or infinite: check the trunk's output `statistics`"
    )]
    NotFinite {
        /// The first such row.
        row: usize,
    },
    /// The covariance has no inverse.
    #[error(
        "value {index} (counted from 0) of the rows is constant or a combination of earlier ones: use a larger ridge"
    )]
    Singular {
        /// Which value of each row, counted from 0.
        index: usize,
    },
    /// The ridge is negative or not finite.
    #[error("the ridge is {0}, expected a finite number of 0 or more")]
    Ridge(f64),
    /// The factor is not lower-triangular with a positive diagonal.
    #[error(
        "row {row} of the factor (counted from 0) must have {} values, the last above 0: fit the model again", row + 1
    )]
    Factor {
        /// The first such row.
        row: usize,
    },
    /// The calibration scores are not ascending numbers of 0 or more.
    #[error("the calibration scores must be ascending numbers of 0 or more: fit the model again")]
    CalibrationScores,
    /// The number of weights is not that of the scores, or a weight is not above 0 and at most 1.
    #[error(
        "the calibration weights must be as many as the scores, each above 0 and at most 1: fit the model again"
    )]
    CalibrationWeights,
}
