//! The heads of all methods, trained in parallel on the trunk's current features.
//!
//! Heads that are fitted afterwards see features that the trunk has memorised, and become
//! overconfident. So all heads are trained from the first step, and the trunk learns for all of
//! them.

use std::collections::BTreeMap;

use burn::{
    optim::GradientsParams,
    tensor::{Device, Tensor, TensorData},
};
use serde::{Deserialize, Serialize};

use super::loss::Objective;
use crate::{
    TrainingError,
    fit::shared::{
        FEATURE_MASK, FitContext,
        bank::{HeadBank, of_parameters},
        diverged,
        losses::{EPSILON, LossError, MultiHeadLoss},
        weights::{HeadShape, HeadWeights},
    },
    random,
};
use bundle::{Mask, Method};

/// The heads on the features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadPlan {
    /// Probability of dropping a feature before the baseline's linear head in training.
    pub baseline_dropout: f64,
    /// Probability of dropping a feature before the linear head of Monte Carlo dropout, in training
    /// and in answers.
    pub mc_dropout: f64,
    /// K, the heads of the ensemble.
    pub members: usize,
    /// Widths of the hidden layers of the ensemble's heads; empty for linear heads.
    pub member_hidden: Vec<usize>,
    /// Whether each head of the ensemble gets its own bootstrap sample of the cells.
    pub bootstrap: bool,
    /// The loss of the ensemble's heads, as a mean over them.
    pub multi_head_loss: MultiHeadLoss,
}

impl Default for HeadPlan {
    fn default() -> Self {
        Self {
            baseline_dropout: 0.3,
            mc_dropout: 0.5,
            members: 50,
            member_hidden: Vec::new(),
            bootstrap: true,
            multi_head_loss: MultiHeadLoss::Individual,
        }
    }
}

/// Standard deviation of the initial weights of a logit layer; small, so that all heads start near
/// the class shares.
const INITIAL_DEVIATION: f32 = 0.01;

impl HeadPlan {
    /// The shape of each method's heads.
    pub fn shapes(&self, features: usize, classes: usize) -> BTreeMap<Method, HeadShape> {
        let shape = |members, hidden: &[usize]| HeadShape {
            members,
            features,
            hidden: hidden.to_vec(),
            classes,
        };
        BTreeMap::from([
            (Method::Baseline, shape(1, &[])),
            (Method::McDropout, shape(1, &[])),
            (Method::Ensemble, shape(self.members, &self.member_hidden)),
        ])
    }

    /// The feature mask of Monte Carlo dropout.
    pub fn feature_mask(&self, features: usize) -> Mask {
        Mask {
            input: FEATURE_MASK.to_owned(),
            width: features,
            drop_probability: self.mc_dropout,
        }
    }

    /// The mean over a method's heads of their losses.
    fn loss(
        &self,
        method: Method,
        logits: Tensor<3>,
        objective: &Objective,
        batch: &TunedCells<'_>,
    ) -> Result<Tensor<1>, LossError> {
        let [members, cells, _] = logits.dims();
        let counts = match method {
            Method::Ensemble => batch.counts.clone(),
            _ => vec![1.0; members * cells],
        };
        let counts = TensorData::new(counts, [members, cells, 1]);
        let weights = Tensor::from_data(counts, &logits.device());
        let cost =
            |log_probabilities| objective.costs(log_probabilities, batch.classes, batch.taught);
        let loss = self
            .multi_head_loss
            .of_costs(logits, &weights, EPSILON, cost)?;
        Ok(loss / self.multi_head_loss.total_weight(members, EPSILON) as f32)
    }

    /// Probability of dropping a feature while a method's heads train.
    fn dropout(&self, method: Method) -> f64 {
        match method {
            Method::Baseline => self.baseline_dropout,
            Method::McDropout => self.mc_dropout,
            Method::Ensemble | Method::Tta => 0.0,
        }
    }
}

/// Heads before the first step: He initialisation of hidden layers, and logits near the class
/// shares.
pub(super) fn initial_heads(
    shape: &HeadShape,
    class_bias: &[f32],
    random: &mut impl rand_chacha::rand_core::RngCore,
) -> HeadWeights {
    HeadWeights::initial(shape.clone(), class_bias, |count, rows, is_last| {
        let deviation = match is_last {
            true => INITIAL_DEVIATION,
            false => (2.0 / rows as f32).sqrt(),
        };
        random::normal(random, count, deviation)
    })
}

/// The cells of one step.
pub(super) struct TunedCells<'a> {
    /// Features `[N, D]`, row-major.
    pub features: Vec<f32>,
    /// The class of each cell.
    pub classes: &'a [usize],
    /// What the teachers say of each cell, `[N, classes]`; empty without teachers.
    pub taught: &'a [f32],
    /// How often each cell counts for each head of the ensemble, `[K, N]`.
    pub counts: Vec<f32>,
    /// Multipliers of the features per method, `[N, D]`; methods without an entry see all features.
    pub masks: BTreeMap<Method, Vec<f32>>,
}

/// Loss and gradients of one step.
pub(super) struct HeadGradients {
    /// The loss, averaged over cells and methods.
    pub loss: f32,
    /// With respect to the features, `[N, D]`.
    pub features: Vec<f32>,
    /// With respect to each method's weights.
    pub heads: BTreeMap<Method, HeadWeights>,
}

/// The gradients of the mean over methods of each method's loss.
///
/// # Errors
/// [`TrainingError::Impossible`] if the loss is infinite or NaN.
pub(super) fn head_gradients(
    plan: &HeadPlan,
    heads: &BTreeMap<Method, HeadWeights>,
    objective: &Objective,
    mut batch: TunedCells<'_>,
) -> Result<HeadGradients, TrainingError> {
    let device = Device::flex().autodiff();
    let cells = batch.classes.len();
    let values = std::mem::take(&mut batch.features);
    let shape = [cells, values.len() / cells.max(1)];
    let features = Tensor::<2>::from_data(TensorData::new(values, shape), &device).require_grad();
    let mut loss = Tensor::<1>::zeros([1], &device);
    let mut banks = Vec::new();
    for (method, weights) in heads {
        let bank = HeadBank::new(weights, &device);
        let seen = match batch.masks.remove(method) {
            Some(mask) => {
                features.clone() * Tensor::from_data(TensorData::new(mask, shape), &device)
            }
            None => features.clone(),
        };
        let logits = objective.corrected(bank.logits(seen, &[]));
        let of_method = plan.loss(*method, logits, objective, &batch);
        loss = loss + of_method.map_err(diverged)? / heads.len() as f32;
        banks.push((*method, bank, weights.shape.clone()));
    }
    let mut gradients = loss.backward();
    let of_features = features.grad(&gradients);
    let of_bank = |(method, bank, shape): (Method, HeadBank, HeadShape)| {
        let gradients = GradientsParams::from_module(&mut gradients, &bank);
        (method, of_parameters(&shape, bank.gradients(&gradients)))
    };
    Ok(HeadGradients {
        loss: loss.into_scalar::<f32>(),
        features: of_features.map_or_else(
            || vec![0.0; shape[0] * shape[1]],
            |gradient| gradient.into_data().iter::<f32>().collect(),
        ),
        heads: banks.into_iter().map(of_bank).collect(),
    })
}

/// Draws the feature multipliers of one step: a new mask for each cell.
pub(super) fn feature_masks(
    plan: &HeadPlan,
    heads: &BTreeMap<Method, HeadShape>,
    cells: usize,
    context: &FitContext<'_>,
    place: &str,
) -> BTreeMap<Method, Vec<f32>> {
    let mask = |(method, shape): (&Method, &HeadShape)| {
        let drop = plan.dropout(*method) as f32;
        let mut stream = context.stream(&format!("{place}/{method}"));
        let values = (drop > 0.0).then(|| {
            random::dropout_mask(
                &mut stream,
                cells * shape.features,
                drop,
                1.0 / (1.0 - drop),
            )
        });
        Some((*method, values?))
    };
    heads.iter().filter_map(mask).collect()
}
