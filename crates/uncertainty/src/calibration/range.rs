//! Min–max normalisation over a calibration set, as the paper's plots have it over the evaluated set.

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

    /// Whether the calibration set had one value only, so that normalised values say no more than "above it or not".
    pub fn is_degenerate(&self) -> bool {
        self.minimum == self.maximum
    }

    /// Brings a finite value to [0, 1]: (value − minimum) / (maximum − minimum), clipped.
    ///
    /// In a degenerate range the single calibration value (and all below) is 0 and everything above is 1.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_outside_the_calibration_set_are_clipped() {
        let range = Range {
            minimum: -1.0,
            maximum: 3.0,
        };
        let normalised = [-9.0, -1.0, 0.0, 3.0, 9.0].map(|value| range.normalise(value));
        assert_eq!(normalised, [0.0, 0.0, 0.25, 1.0, 1.0]);
    }

    #[test]
    fn a_degenerate_range_tells_only_above_from_not_above() {
        let range = Range {
            minimum: 2.0,
            maximum: 2.0,
        };
        assert!(range.is_degenerate());
        assert_eq!(
            [1.0, 2.0, 2.5].map(|value| range.normalise(value)),
            [0.0, 0.0, 1.0]
        );
    }

    #[test]
    fn what_spans_no_range_is_an_error() {
        assert_eq!(Range::over(&[]), Err(RangeError::Empty));
        assert_eq!(Range::over(&[1.0, f64::NAN]), Err(RangeError::NotFinite));
        assert_eq!(
            Range::over(&[2.0, -1.0, 0.5]),
            Ok(Range {
                minimum: -1.0,
                maximum: 2.0
            })
        );
        assert_eq!(
            Range {
                minimum: 0.0,
                maximum: f64::NAN
            }
            .check(),
            Err(RangeError::NotFinite)
        );
        assert!(matches!(
            Range {
                minimum: 1.0,
                maximum: 0.0
            }
            .check(),
            Err(RangeError::Reversed { .. })
        ));
    }
}
