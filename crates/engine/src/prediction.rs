//! What is asked of the engine and what it answers, before either is JSON.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Model, Priority, Subject, Warning};
use bundle::Method;
use uncertainty::{Decision, Samples, Summary, ood::OodScore};

/// One image and what is wanted of it.
#[derive(Clone, Debug, Default)]
pub struct PredictRequest {
    /// The image.
    pub image: Subject,
    /// Name of the bundle; the first one when absent.
    pub model: Option<String>,
    /// The method that makes the answer; the bundle's first when absent.
    pub method: Option<Method>,
    /// Further methods, answered from the same trunk pass.
    pub compare: Vec<Method>,
    /// T, for the methods that draw samples; the bundle's own when absent.
    pub passes: Option<u32>,
    /// Seed of every random choice; derived from the image when absent.
    pub seed: Option<u64>,
    /// Name of the referral policy; the method's default when absent.
    pub policy: Option<String>,
    /// Take every augmented view, even when fewer settle the decision.
    pub exact: bool,
    /// Make pictures of the augmented views, too.
    pub pictures: bool,
    /// Whether somebody looks at the screen or a program works through many cells.
    pub priority: Priority,
    /// When the client stops waiting, if it says so: work that would come too late is refused or dropped.
    pub deadline: Option<Instant>,
}

/// The engine's answer to one [`PredictRequest`].
#[derive(Clone, Debug)]
pub struct Prediction {
    /// The bundle that answered.
    pub model: Arc<Model>,
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
    /// Mean probability of all abnormal classes together, in [0, 1].
    pub abnormal_probability: f64,
    /// The paper's scores by the calibration's range, in [0, 1]; absent where the bundle has no range.
    pub normalised: NormalisedPaperScores,
    /// Accept, or refer for a second look, and why.
    pub decision: Decision,
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
