//! How the learning rate goes over the steps.

use serde::{Deserialize, Serialize};

/// A linear rise, then a cosine down to a share of the highest rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
