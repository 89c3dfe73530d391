//! Models that teach another one: what they say of a view is part of the target for that view.
//!
//! Several models that each learnt without one more fold know more together than one that learnt
//! from all of them. One model learns that from them (Hinton et al., "Distilling the knowledge in a
//! neural network", 2015), from the very views that it sees itself (Beyer et al., "Knowledge
//! distillation: a good teacher is patient and consistent", 2022), and answers at the cost of one.

use serde::{Deserialize, Serialize};

use super::{
    batches::IMAGE,
    lite0::{Frozen, MAP, trained_part},
};
use crate::{TrainingError, fit::shared::weights::HeadWeights, trunks::OnnxGraph};
use bundle::onnx::ModelProto;
use engine::Runtime;

/// How much of a target comes from the teachers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Teaching {
    /// Share of the target, at least 0 and below 1; the rest is the label.
    pub share: f64,
}

/// A trained model: its trunk and its baseline head, `[1280, C]`.
pub struct Teacher {
    /// The trunk with its trained weights.
    pub trunk: ModelProto,
    /// One linear layer.
    pub head: HeadWeights,
}

/// The teachers, ready to answer.
pub(super) struct Teachers {
    /// What each adds to the frozen blocks, and its head.
    models: Vec<(OnnxGraph, HeadWeights)>,
    /// Name of the graphs' input: [`MAP`], or the image when no block is frozen.
    input: &'static str,
}

impl Teachers {
    /// Opens what each teacher adds to the blocks that they all share.
    ///
    /// # Errors
    /// A trunk that is not EfficientNet-Lite0, or that the runtime refuses.
    pub(super) fn open(
        runtime: &Runtime,
        teachers: &[Teacher],
        frozen: Frozen,
    ) -> Result<Self, TrainingError> {
        let mut models = Vec::new();
        let mut input = IMAGE;
        for teacher in teachers {
            let part = trained_part(&teacher.trunk, frozen)?;
            if part.is_some() {
                input = MAP;
            }
            let graph = part.as_ref().unwrap_or(&teacher.trunk);
            let graph = OnnxGraph::of_model(runtime, graph, "features")?;
            models.push((graph, teacher.head.clone()));
        }
        Ok(Self { models, input })
    }

    /// The mean of the teachers' probabilities for each view, `[N, C]`; empty without teachers.
    ///
    /// # Errors
    /// [`TrainingError::Runtime`] when the runtime fails.
    pub(super) fn answers(
        &mut self,
        shape: [usize; 4],
        maps: &[f32],
    ) -> Result<Vec<f32>, TrainingError> {
        let sizes = shape.map(|size| i64::try_from(size).unwrap_or(i64::MAX));
        let count = self.models.len() as f32;
        let mut sums: Vec<f32> = Vec::new();
        for (graph, head) in &mut self.models {
            let features = graph.run(&[(self.input, sizes.to_vec(), maps)])?;
            let answers = probabilities(head, &features);
            sums.resize(answers.len(), 0.0);
            for (sum, answer) in sums.iter_mut().zip(answers) {
                *sum += answer / count;
            }
        }
        Ok(sums)
    }
}

/// Features `[N, D]` → probabilities `[N, C]` of a linear head.
fn probabilities(head: &HeadWeights, features: &[f32]) -> Vec<f32> {
    let Some(layer) = head.layers.first() else {
        return Vec::new();
    };
    let classes = layer.bias.len().max(1);
    let dimension = (layer.weight.len() / classes).max(1);
    let mut all = Vec::with_capacity(features.len() / dimension * classes);
    for row in features.chunks_exact(dimension) {
        let mut logits = layer.bias.clone();
        for (feature, weights) in row.iter().zip(layer.weight.chunks_exact(classes)) {
            for (logit, weight) in logits.iter_mut().zip(weights) {
                *logit += feature * weight;
            }
        }
        let largest = logits.iter().copied().fold(f32::MIN, f32::max);
        let powers = logits.iter().map(|logit| (logit - largest).exp());
        let sum: f32 = powers.clone().sum();
        all.extend(powers.map(|power| power / sum));
    }
    all
}
