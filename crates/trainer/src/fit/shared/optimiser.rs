//! AdamW with groups, clipping and averaged weights, on plain vectors, so that a checkpoint can
//! hold its whole state.

use serde::{Deserialize, Serialize};

use super::Schedule;

/// Settings of the optimiser.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimiserSettings {
    /// Highest learning rate of the trunk.
    pub trunk_rate: f64,
    /// Highest learning rate of the heads.
    pub head_rate: f64,
    /// Decay of the running mean of gradients.
    pub beta1: f64,
    /// Decay of the running mean of their squares.
    pub beta2: f64,
    /// Decoupled decay of matrices and kernels, not of biases (Loshchilov & Hutter, 2019).
    pub weight_decay: f64,
    /// Largest norm of the gradient over all parameters; a longer one is scaled down.
    pub clip: f64,
    /// Decay per step of the average of the weights, which is the result of training.
    pub averaging: f64,
}

impl Default for OptimiserSettings {
    fn default() -> Self {
        Self {
            trunk_rate: 5e-4,
            head_rate: 2e-3,
            beta1: 0.9,
            beta2: 0.99,
            weight_decay: 0.05,
            clip: 5.0,
            averaging: 0.99,
        }
    }
}

/// Keeps the division finite for a parameter that never had a gradient.
const EPSILON: f64 = 1e-8;

/// Settings of one parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LearningGroup {
    /// Highest learning rate.
    pub rate: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
}

/// The state of training: the weights, Adam's moments and the average.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Learner {
    /// Steps taken.
    pub step: usize,
    /// The weights, parameter by parameter.
    pub values: Vec<Vec<f32>>,
    first: Vec<Vec<f32>>,
    second: Vec<Vec<f32>>,
    /// Moving averages of the weights.
    pub averages: Vec<Vec<f32>>,
}

/// Factors of a step, the same for all weights of a parameter.
struct Factors {
    /// Includes the correction of the first moment, 1 − β₁ᵗ.
    rate: f32,
    decay: f32,
    beta1: f32,
    beta2: f32,
    averaging: f32,
    /// 1 − β₂ᵗ, under the root.
    correction: f32,
    clip: f32,
}

impl Learner {
    /// Starts from some weights.
    pub(crate) fn new(values: Vec<Vec<f32>>) -> Self {
        let zeros: Vec<Vec<f32>> = values.iter().map(|of| vec![0.0; of.len()]).collect();
        Self {
            step: 0,
            averages: values.clone(),
            first: zeros.clone(),
            second: zeros,
            values,
        }
    }

    /// All numbers, for a checkpoint.
    pub(super) fn lists(&self) -> [&Vec<Vec<f32>>; 4] {
        [&self.values, &self.first, &self.second, &self.averages]
    }

    /// The same numbers, mutable.
    pub(super) fn lists_mut(&mut self) -> [&mut Vec<Vec<f32>>; 4] {
        [
            &mut self.values,
            &mut self.first,
            &mut self.second,
            &mut self.averages,
        ]
    }

    /// Takes step `self.step` of `steps`. `gradients` and `groups` are in the order of the
    /// parameters.
    pub(crate) fn take_step(
        &mut self,
        gradients: &[Vec<f32>],
        groups: &[LearningGroup],
        settings: &OptimiserSettings,
        schedule: &Schedule,
        steps: usize,
    ) {
        let share = schedule.rate(self.step, steps);
        self.step += 1;
        let taken = i32::try_from(self.step).unwrap_or(i32::MAX);
        let clip = clip_factor(gradients, settings.clip);
        for (index, (gradient, group)) in gradients.iter().zip(groups).enumerate() {
            let rate = group.rate * share;
            let factors = Factors {
                rate: (rate / (1.0 - settings.beta1.powi(taken))) as f32,
                decay: (1.0 - rate * group.weight_decay) as f32,
                beta1: settings.beta1 as f32,
                beta2: settings.beta2 as f32,
                averaging: settings.averaging as f32,
                correction: (1.0 - settings.beta2.powi(taken)) as f32,
                clip: clip as f32,
            };
            self.update(index, gradient, &factors);
        }
    }

    fn update(&mut self, index: usize, gradient: &[f32], factors: &Factors) {
        let weights = self.values[index]
            .iter_mut()
            .zip(&mut self.first[index])
            .zip(&mut self.second[index])
            .zip(&mut self.averages[index])
            .zip(gradient);
        for ((((value, first), second), average), gradient) in weights {
            let gradient = gradient * factors.clip;
            *first += (gradient - *first) * (1.0 - factors.beta1);
            *second += (gradient * gradient - *second) * (1.0 - factors.beta2);
            let root = (*second / factors.correction).sqrt() + EPSILON as f32;
            *value = *value * factors.decay - factors.rate * *first / root;
            *average += (*value - *average) * (1.0 - factors.averaging);
        }
    }
}

/// The factor that brings the norm over all parameters below the limit.
fn clip_factor(gradients: &[Vec<f32>], limit: f64) -> f64 {
    let squares = gradients.iter().flatten();
    let norm = squares
        .map(|value| f64::from(*value) * f64::from(*value))
        .sum::<f64>()
        .sqrt();
    (limit / norm.max(f64::MIN_POSITIVE)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: LearningGroup = LearningGroup {
        rate: 0.01,
        weight_decay: 0.0,
    };

    fn steps(count: usize, group: LearningGroup, gradient: impl Fn(f32) -> f32) -> Learner {
        let mut learner = Learner::new(vec![vec![1.0]]);
        for _ in 0..count {
            let gradients = vec![vec![gradient(learner.values[0][0])]];
            let settings = OptimiserSettings::default();
            learner.take_step(&gradients, &[group], &settings, &Schedule::CONSTANT, count);
        }
        learner
    }

    #[test]
    fn first_step_length_is_the_rate() {
        for gradient in [1e-3, 1.0, 4.0, 1e4] {
            let learner = steps(1, GROUP, |_| gradient);
            assert!((learner.values[0][0] - 0.99).abs() < 1e-5, "{learner:?}");
        }
    }

    #[test]
    fn minimum_is_found_and_average_follows() {
        let learner = steps(2000, GROUP, |value| value - 0.3);
        assert!((learner.values[0][0] - 0.3).abs() < 1e-3);
        assert!((learner.averages[0][0] - 0.3).abs() < 1e-2);
    }

    #[test]
    fn decay_shrinks_weight_without_gradient() {
        let group = LearningGroup {
            weight_decay: 0.5,
            ..GROUP
        };
        let learner = steps(10, group, |_| 0.0);
        let expected = (1.0_f32 - 0.005).powi(10);
        assert!((learner.values[0][0] - expected).abs() < 1e-6);
    }

    #[test]
    fn gradient_norm_is_clipped_over_parameters() {
        let gradients = [vec![30.0, 0.0], vec![40.0]];
        assert!((clip_factor(&gradients, 5.0) - 0.1).abs() < 1e-12);
        assert_eq!(clip_factor(&[vec![3.0], vec![4.0]], 5.0), 1.0);
        assert_eq!(clip_factor(&[vec![0.0]], 5.0), 1.0);
    }
}
