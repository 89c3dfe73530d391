//! Values fitted to a calibration set: the range of each measure and the temperature of the logits.
//!
//! Measures are normalised between their smallest and largest value, as in the paper's plots.
//! Logits are divided by one temperature, fitted to make held-out labels as likely as possible
//! (temperature scaling; Guo et al., *On calibration of modern neural networks*, 2017).

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The smallest and the largest value of one measure over a calibration set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The smallest value, normalised to 0.
    pub minimum: f64,
    /// The largest value, normalised to 1.
    pub maximum: f64,
}

/// Why numbers do not define a range.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum RangeError {
    /// No value was given.
    #[error("the range has no values: give at least one")]
    Empty,
    /// A bound or a value is NaN or infinite.
    #[error(
        "the range has a bound or a value that is NaN or infinite, expected finite numbers only"
    )]
    NotFinite,
    /// The minimum is above the maximum.
    #[error("the range's minimum {minimum} is above its maximum {maximum}: swap them")]
    Reversed {
        /// The lower bound.
        minimum: f64,
        /// The upper bound.
        maximum: f64,
    },
}

impl Range {
    /// The range of `values`.
    ///
    /// ```
    /// let range = uncertainty::Range::over(&[3.0, 1.0, 2.0])?;
    /// assert_eq!(range.normalise(2.0), 0.5);
    /// # Ok::<(), uncertainty::RangeError>(())
    /// ```
    ///
    /// # Errors
    /// [`RangeError::Empty`] without values, [`RangeError::NotFinite`] when one of them is NaN or
    /// infinite.
    pub fn over(values: &[f64]) -> Result<Range, RangeError> {
        if values.is_empty() {
            return Err(RangeError::Empty);
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err(RangeError::NotFinite);
        }
        let minimum = values.iter().copied().fold(f64::INFINITY, f64::min);
        let maximum = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Ok(Range { minimum, maximum })
    }

    /// Checks bounds that were read from a file.
    ///
    /// # Errors
    /// [`RangeError::NotFinite`] or [`RangeError::Reversed`].
    pub fn check(&self) -> Result<(), RangeError> {
        if !(self.minimum.is_finite() && self.maximum.is_finite()) {
            return Err(RangeError::NotFinite);
        }
        if self.minimum > self.maximum {
            return Err(RangeError::Reversed {
                minimum: self.minimum,
                maximum: self.maximum,
            });
        }
        Ok(())
    }

    /// Maps a finite value to [0, 1]: (value − minimum) / (maximum − minimum), clipped.
    ///
    /// If minimum and maximum are equal, that value and all below give 0, and all above give 1.
    pub fn normalise(&self, value: f64) -> f64 {
        if value <= self.minimum {
            return 0.0;
        }
        if value >= self.maximum {
            return 1.0;
        }
        (value - self.minimum) / (self.maximum - self.minimum)
    }
}

/// Why logits cannot be divided by a temperature.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum TemperatureError {
    /// The temperature is not a finite number above 0.
    #[error("the temperature is {0}, expected a finite number above 0, such as 1.0")]
    Domain(f64),
}

/// Divides logits by a temperature. Give the result to
/// [`Samples::from_logits`](crate::Samples::from_logits).
///
/// ```
/// let colder = uncertainty::calibration::apply_temperature(&[2.0, -4.0], 2.0)?;
/// assert_eq!(colder, [1.0, -2.0]);
/// # Ok::<(), uncertainty::calibration::TemperatureError>(())
/// ```
///
/// # Errors
/// [`TemperatureError::Domain`] unless the temperature is finite and above 0.
pub fn apply_temperature<L: Copy + Into<f64>>(
    logits: &[L],
    temperature: f64,
) -> Result<Vec<f64>, TemperatureError> {
    if !(temperature.is_finite() && temperature > 0.0) {
        return Err(TemperatureError::Domain(temperature));
    }
    Ok(logits
        .iter()
        .map(|&logit| logit.into() / temperature)
        .collect())
}
