//! What can be wrong with the numbers of an out-of-distribution score.

use thiserror::Error;

/// Why there is no score. Rows are counted from 0.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum OodError {
    /// There is nothing to measure by.
    #[error("no values were given; at least one row of at least one value is needed")]
    Empty,
    /// A row has another length than the others.
    #[error(
        "row {row} has {found} values where {expected} were expected; give all rows one length"
    )]
    Shape {
        /// The first such row.
        row: usize,
        /// How many values it has.
        found: usize,
        /// How many the others have.
        expected: usize,
    },
    /// A NaN or an infinity.
    #[error(
        "row {row} holds a value that is not finite, or leads to one; check the model's output"
    )]
    NotFinite {
        /// The first such row.
        row: usize,
    },
    /// The covariance has no inverse.
    #[error(
        "value {index} of the rows is constant or follows from those before it; give a larger ridge"
    )]
    Singular {
        /// Which value of each row, counted from 0.
        index: usize,
    },
    /// The ridge is negative or not finite.
    #[error("the ridge {0} is not a finite number of 0 or more")]
    Ridge(f64),
    /// A model's factor is not lower-triangular with a positive diagonal.
    #[error(
        "row {row} of the factor must have {} values, the last above 0; fit the model again", row + 1
    )]
    Factor {
        /// The first such row.
        row: usize,
    },
    /// A model's calibration scores are no ascending distances.
    #[error("the calibration scores must be ascending numbers of 0 or more; fit the model again")]
    CalibrationScores,
    /// There is not one weight per calibration score, or a weight is not above 0 and at most 1.
    #[error(
        "the calibration weights must be as many as the scores, each above 0 and at most 1; fit the model again"
    )]
    CalibrationWeights,
}
