//! Why nothing can be tested.

use thiserror::Error;

/// Why a risk cannot be controlled. Cells are counted from 0.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum RiskError {
    /// The grid has no threshold.
    #[error("no thresholds were given; a grid needs at least one")]
    NoThresholds,
    /// A threshold is NaN or infinite.
    #[error("threshold {0} of the grid is not finite; give finite thresholds")]
    Threshold(usize),
    /// The thresholds are not in order.
    #[error("the grid's thresholds do not increase at {0}; give the strictest first")]
    NotIncreasing(usize),
    /// An uncertainty is NaN or infinite.
    #[error("the uncertainty of cell {0} is not finite; mark such cells as not eligible")]
    NotFinite(usize),
    /// α or δ is not strictly between 0 and 1.
    #[error("`{name}` is {value}; it must be greater than 0 and less than 1")]
    NotAProbability {
        /// `alpha` or `delta`.
        name: &'static str,
        /// What it is.
        value: f64,
    },
}

pub(super) fn check_probability(name: &'static str, value: f64) -> Result<(), RiskError> {
    if value > 0.0 && value < 1.0 {
        return Ok(());
    }
    Err(RiskError::NotAProbability { name, value })
}
