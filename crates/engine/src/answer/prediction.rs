//! What the engine answers, before it is JSON.

use std::{sync::Arc, time::Duration};

use super::warning::Warning;
use crate::LoadedModel;
use bundle::Method;
use uncertainty::{Decision, Samples, Summary, ood::OodScore};

/// The engine's answer to one [`PredictRequest`].
#[derive(Clone, Debug)]
pub struct Prediction {
    /// The bundle that answered.
    pub model: Arc<LoadedModel>,
    /// The seed that was used.
    pub seed: u64,
    /// The answer by the method asked for.
    pub answer: MethodAnswer,
    /// The answers by the methods of `compare`, in that order.
    pub comparisons: Vec<MethodAnswer>,
    /// The augmented views as PNG files, one for each sample of test-time augmentation and in that order; empty unless pictures
    /// were asked for.
    pub pictures: Vec<Vec<u8>>,
    /// How unlike the training's images this one is, the same for every method; absent where the bundle cannot tell.
    pub ood: Option<OodScore>,
    /// What the answer is to be taken with.
    pub warnings: Vec<Warning>,
    /// How long the parts took.
    pub timing: Timing,
}

/// What one method says of the image.
#[derive(Clone, Debug)]
pub struct MethodAnswer {
    /// The method.
    pub method: Method,
    /// T as asked for. There are fewer samples where test-time augmentation stopped early.
    pub requested: usize,
    /// Class probabilities `[T, C]`.
    pub samples: Samples,
    /// Mean, spread and every uncertainty of `samples`.
    pub summary: Summary,
    /// The paper's scores by the calibration's range, in [0, 1]; absent where the bundle has no range.
    pub normalised: NormalisedPaperScores,
    /// Accept, or refer for a second look, and why.
    pub decision: Decision,
}

impl MethodAnswer {
    /// Mean probability of all abnormal classes together, in [0, 1]: of none of them 0.
    pub fn abnormal_probability(&self) -> f64 {
        let summary = &self.summary;
        match (summary.abnormal, summary.called_abnormal) {
            (Some(in_two_classes), _) => in_two_classes.probability,
            // Every class is an abnormal one.
            (None, Some(_)) => summary.mean.iter().sum(),
            (None, None) => 0.0,
        }
    }
}

/// The paper's three scores after min–max normalisation over the calibration cells, clipped to [0, 1].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NormalisedPaperScores {
    /// Of `paper.variance`.
    pub variance: Option<f64>,
    /// Of `paper.entropy`.
    pub entropy: Option<f64>,
    /// Of `paper.sample_mean`.
    pub sample_mean: Option<f64>,
}

/// How long the parts of an answer took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timing {
    /// Waiting for a free worker.
    pub queue: Duration,
    /// From encoded bytes to input tensor.
    pub decode: Duration,
    /// Inside the runtime.
    pub inference: Duration,
    /// From the engine's call to its answer.
    pub total: Duration,
}
