//! The parts that both kinds of training share: heads, losses, optimiser, learning-rate schedule
//! and checkpoints.

pub(crate) mod bank;
pub(crate) mod checkpoint;
pub(crate) mod losses;
pub(crate) mod optimiser;
pub(crate) mod weights;

use std::path::Path;

use indicatif::ProgressBar;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use self::losses::LossError;
use crate::{TrainingError, error::impossible, random};

/// Name of the input that drops features in the exported Monte Carlo dropout.
pub const FEATURE_MASK: &str = "mask_features";

/// The context of one fit, besides its cells and its recipe.
#[derive(Clone, Copy)]
pub struct FitContext<'a> {
    /// Seed of all randomness.
    pub seed: u64,
    /// Prefix of the random streams' names.
    pub purpose: &'a str,
    /// The checkpoint of an unfinished fit. A later call with the same arguments resumes it and
    /// gives the same bits.
    pub checkpoint: Option<&'a Path>,
    /// Advances by one with each step.
    pub progress: &'a ProgressBar,
}

impl FitContext<'_> {
    /// The random stream of one choice in this fit, such as `"order"`.
    pub(crate) fn stream(&self, of: &str) -> ChaCha8Rng {
        random::stream(self.seed, &format!("{}/{of}", self.purpose))
    }
}

pub(crate) fn diverged(error: LossError) -> TrainingError {
    impossible!("cannot train the heads: {error}")
}

/// The logarithms of the classes' shares, the initial biases, so that training need not learn them.
/// Each class counts one cell more, so that a class without cells has a finite logarithm.
pub(crate) fn class_bias(classes: impl Iterator<Item = usize>, class_count: usize) -> Vec<f32> {
    let mut counts = vec![1.0; class_count];
    for class in classes {
        if let Some(count) = counts.get_mut(class) {
            *count += 1.0;
        }
    }
    let total: f32 = counts.iter().sum();
    counts.iter().map(|count| (count / total).ln()).collect()
}

/// A linear rise, then a cosine down to a share of the highest rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Share of the steps over which the rate rises.
    pub warm_up: f64,
    /// Share of the highest rate at the end.
    pub last: f64,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            warm_up: 0.08,
            last: 0.01,
        }
    }
}

impl Schedule {
    /// A constant rate.
    pub const CONSTANT: Self = Self {
        warm_up: 0.0,
        last: 1.0,
    };

    /// The rate at a step, counted from 0, as a share of the highest.
    pub fn rate(&self, step: usize, steps: usize) -> f64 {
        let done = (step + 1) as f64 / steps.max(1) as f64;
        if done < self.warm_up {
            return done / self.warm_up;
        }
        let fall = (done - self.warm_up) / (1.0 - self.warm_up).max(f64::EPSILON);
        let cosine = (std::f64::consts::PI * fall.min(1.0)).cos();
        self.last + (1.0 - self.last) * 0.5 * (1.0 + cosine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_warms_up_then_falls() {
        let schedule = Schedule::default();
        let rates: Vec<f64> = (0..100).map(|step| schedule.rate(step, 100)).collect();
        assert!(rates[..7].windows(2).all(|pair| pair[0] < pair[1]));
        assert!(rates[8..].windows(2).all(|pair| pair[0] > pair[1]));
        assert!((rates[7] - 1.0).abs() < 1e-12);
        assert!((rates[99] - 0.01).abs() < 1e-12);
    }
}
