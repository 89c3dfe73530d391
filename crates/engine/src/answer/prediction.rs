//! What the engine answers, before it is JSON.

use std::{sync::Arc, time::Duration};

use super::{judging::MethodAnswer, warning::Warning};
use crate::LoadedModel;
use uncertainty::ood::OodScore;

/// The engine's answer for one subject of a request.
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
