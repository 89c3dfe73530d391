//! The thresholds that are tried, fixed before any cell is seen.

use super::error::RiskError;
use crate::Measure;

/// How many steps the range of a measure is cut into.
const STEPS: u32 = 100;

/// Thresholds in the unit of a measure, ascending: the strictest first. A value is accepted when it is at most the threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    thresholds: Vec<f64>,
}

impl Grid {
    /// Takes finite, strictly increasing thresholds, at least one.
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

    /// A hundred equal steps from 0, which is left out, to the largest value that the measure can take over `classes` classes;
    /// `None` where that depends on the number of passes.
    ///
    /// This is the grid of every promise that the trainer makes.
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

    /// The first step that accepts a value; the number of steps when none does.
    pub(super) fn first_accepting(&self, value: f64) -> usize {
        self.thresholds
            .partition_point(|&threshold| threshold < value)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_grid_of_a_measure_ends_where_every_answer_is_accepted() {
        let grid = Grid::of_measure(Measure::PredictiveEntropy, 6).unwrap();
        assert_eq!(grid.thresholds().len(), 100);
        assert_eq!(grid.first_accepting(0.0), 0);
        assert_eq!(grid.first_accepting(6.0f64.ln()), 99);
        assert_eq!(Grid::of_measure(Measure::PaperEntropy, 6), None);
    }

    #[test]
    fn a_value_on_a_threshold_is_accepted_by_it() {
        let grid = Grid::new(vec![0.3, 0.6]).unwrap();
        let first = [0.1, 0.3, 0.30001, 0.6, 0.7].map(|value| grid.first_accepting(value));
        assert_eq!(first, [0, 0, 1, 1, 2]);
    }

    #[test]
    fn thresholds_that_are_not_finite_are_told_by_their_place() {
        let grid = Grid::new(vec![0.1, f64::NAN]);
        assert_eq!(grid, Err(RiskError::Threshold(1)));
    }
}
