//! Errors of risk control.

use thiserror::Error;

/// Why a promise cannot be tested. Cells and thresholds are counted from 0.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum RiskError {
    /// The grid has no threshold.
    #[error("the grid has no thresholds: give at least one")]
    NoThresholds,
    /// A threshold is NaN or infinite.
    #[error("threshold {0} (counted from 0) of the grid is not finite: give finite numbers")]
    Threshold(usize),
    /// The thresholds are not in order.
    #[error(
        "threshold {0} (counted from 0) of the grid is not above the one before: sort the thresholds, the smallest first"
    )]
    NotIncreasing(usize),
    /// An uncertainty is NaN or infinite.
    #[error(
        "the uncertainty of cell {0} (counted from 0) is not finite: mark such cells as not eligible"
    )]
    NotFinite(usize),
    /// α or δ is not strictly between 0 and 1.
    #[error("`{name}` is {value}, expected a number greater than 0 and less than 1, such as 0.05")]
    NotAProbability {
        /// `alpha` or `delta`.
        name: &'static str,
        /// Its value.
        value: f64,
    },
}

pub(super) fn check_probability(name: &'static str, value: f64) -> Result<(), RiskError> {
    if value > 0.0 && value < 1.0 {
        return Ok(());
    }
    Err(RiskError::NotAProbability { name, value })
}
