//! The thresholds to test. They are fixed before any cell is seen.

use super::error::RiskError;
use crate::Measure;

/// Number of thresholds over the range of a measure.
const STEPS: u32 = 100;

/// Thresholds in the unit of a measure, ascending: the strictest first. A value is accepted if it
/// is at most the threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    thresholds: Vec<f64>,
}

impl Grid {
    /// A grid of finite, strictly increasing thresholds, at least one.
    ///
    /// ```
    /// use uncertainty::risk_control::Grid;
    ///
    /// assert!(Grid::new(vec![0.1, 0.2]).is_ok());
    /// assert!(Grid::new(vec![0.2, 0.1]).is_err());
    /// ```
    ///
    /// # Errors
    /// [`RiskError`] `NoThresholds`, `Threshold` or `NotIncreasing`.
    pub fn new(thresholds: Vec<f64>) -> Result<Grid, RiskError> {
        if thresholds.is_empty() {
            return Err(RiskError::NoThresholds);
        }
        if let Some(at) = thresholds.iter().position(|value| !value.is_finite()) {
            return Err(RiskError::Threshold(at));
        }
        let mut pairs = thresholds.iter().zip(thresholds.iter().skip(1));
        if let Some(at) = pairs.position(|(stricter, looser)| stricter >= looser) {
            return Err(RiskError::NotIncreasing(at + 1));
        }
        Ok(Grid { thresholds })
    }

    /// 100 thresholds in equal steps from 0 (not included) to the largest value of the measure over
    /// `classes` classes. `None` for a measure whose largest value depends on the number of passes.
    ///
    /// ```
    /// use uncertainty::{Measure, risk_control::Grid};
    ///
    /// let grid = Grid::of_measure(Measure::VariationRatio, 4);
    /// assert_eq!(grid.as_ref().and_then(|grid| grid.thresholds().last()), Some(&0.75));
    /// ```
    pub fn of_measure(measure: Measure, classes: usize) -> Option<Grid> {
        let classes = classes as f64;
        let largest = match measure {
            Measure::PredictiveEntropy | Measure::ExpectedEntropy | Measure::MutualInformation => {
                classes.ln()
            }
            Measure::AbnormalEntropy => std::f64::consts::LN_2,
            Measure::VariationRatio => 1.0 - 1.0 / classes,
            // The unbiased variance of two passes, 0 and 1.
            Measure::Variance => 0.5,
            Measure::PaperVariance => 500.0,
            Measure::PaperSampleMean => 1.0,
            Measure::PaperEntropy => return None,
        };
        let step = |index| largest * f64::from(index) / f64::from(STEPS);
        Grid::new((1..=STEPS).map(step).collect()).ok()
    }

    /// The thresholds, strictest first.
    pub fn thresholds(&self) -> &[f64] {
        &self.thresholds
    }

    /// Index of the first threshold that accepts a value; the number of thresholds if none does.
    pub(super) fn first_accepting(&self, value: f64) -> usize {
        self.thresholds
            .partition_point(|&threshold| threshold < value)
    }
}
