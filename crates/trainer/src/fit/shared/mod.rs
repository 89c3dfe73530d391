//! What both ways of fitting share: the heads and their numbers, what they minimise, the optimiser, the schedule of its
//! rate, and the checkpoint of a fit that was interrupted.

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

/// Name of the input by which the exported Monte Carlo dropout drops features.
pub const FEATURE_MASK: &str = "mask_features";

/// What is said of one fit besides its cells and its recipe.
#[derive(Clone, Copy)]
pub struct FitContext<'a> {
    /// Seed of everything random.
    pub seed: u64,
    /// What the random streams are named after.
    pub purpose: &'a str,
    /// Where the fit is kept while it is not done; a later call with the same arguments goes on from there, to the same bits.
    pub checkpoint: Option<&'a Path>,
    /// Moves by one with each step.
    pub progress: &'a ProgressBar,
}

impl FitContext<'_> {
    /// The random stream of one choice within this fit, such as `"order"`.
    pub(crate) fn stream(&self, of: &str) -> ChaCha8Rng {
        random::stream(self.seed, &format!("{}/{of}", self.purpose))
    }
}

pub(crate) fn diverged(error: LossError) -> TrainingError {
    impossible!("the heads cannot be trained: {error}")
}

/// The logarithms of the classes' shares, where heads start: nothing is spent on learning how common each class is. One
/// cell more of each, so that a class without cells has one.
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
    /// Share of the highest rate that is left in the end.
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
    /// A rate that stays.
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
    fn the_rate_rises_over_its_share_of_the_steps_and_ends_low() {
        let schedule = Schedule::default();
        let rates: Vec<f64> = (0..100).map(|step| schedule.rate(step, 100)).collect();
        assert!(rates[..7].windows(2).all(|pair| pair[0] < pair[1]));
        assert!(rates[8..].windows(2).all(|pair| pair[0] > pair[1]));
        assert!((rates[7] - 1.0).abs() < 1e-12);
        assert!((rates[99] - 0.01).abs() < 1e-12);
    }
}
