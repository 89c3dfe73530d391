//! What a calibration set teaches: the scale of each measure and the temperature of the logits.
//!
//! Measures are normalised between their smallest and largest value, as the paper's plots have it over the evaluated set. Logits are
//! divided by one number, which was fitted so that held-out labels are as likely as they can be (temperature scaling; Guo et al.,
//! *On calibration of modern neural networks*, 2017).

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

/// Why two numbers, or a set of them, span no range.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum RangeError {
    /// There is no value to take a range of.
    #[error("no values were given; a range needs at least one")]
    Empty,
    /// A bound or a value is NaN or infinite.
    #[error("a value of the range is not finite; leave undefined values out")]
    NotFinite,
    /// The bounds are the wrong way round.
    #[error("the range's minimum {minimum} is above its maximum {maximum}; swap them")]
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
    /// [`RangeError::Empty`] without values, [`RangeError::NotFinite`] when one of them is NaN or infinite.
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

    /// Checks what a file may get wrong.
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

    /// Brings a finite value to [0, 1]: (value − minimum) / (maximum − minimum), clipped.
    ///
    /// Where the calibration set had one value only, that value (and all below) is 0 and everything above is 1.
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
    /// A temperature that logits cannot be divided by.
    #[error("the temperature {0} is not a finite number above 0")]
    Domain(f64),
}

/// Divides logits by a temperature; the result goes to [`Samples::from_logits`](crate::Samples::from_logits).
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
