//! What the heads minimise.

use burn::tensor::{Tensor, activation::log_softmax};

/// Share of the binary term: on CRIC it keeps six-class training from losing the normal–abnormal boundary.
const BINARY_SHARE: f32 = 0.5;

/// Keeps a logarithm finite where a probability is rounded to 0 or 1.
const TINY: f32 = 1e-6;

/// The targets of a batch, for all K heads.
pub struct Targets {
    /// One-hot classes `[1, N, C]`.
    pub classes: Tensor<3>,
    /// How much each cell counts for each head, `[K, N, 1]`.
    pub weights: Tensor<3>,
}

/// Cross entropy of the classes plus half the binary cross entropy of normal (class 0) against all others, weighted per
/// head and cell, averaged over the N cells and summed over the K heads, so that no head's step depends on the others.
///
/// With two classes the terms coincide, and only the first is taken.
pub fn loss(logits: Tensor<3>, targets: &Targets) -> Tensor<1> {
    let [_, cells, classes] = logits.dims();
    let log_probabilities = log_softmax(logits, 2);
    let mut per_cell = -(log_probabilities.clone() * targets.classes.clone()).sum_dim(2);
    if classes > 2 {
        per_cell = per_cell + binary_cross_entropy(log_probabilities, targets) * BINARY_SHARE;
    }
    (per_cell * targets.weights.clone()).sum() / cells as f32
}

fn binary_cross_entropy(log_probabilities: Tensor<3>, targets: &Targets) -> Tensor<3> {
    let normal = log_probabilities
        .narrow(2, 0, 1)
        .exp()
        .clamp(TINY, 1.0 - TINY);
    let is_normal = targets.classes.clone().narrow(2, 0, 1);
    let abnormal = normal.clone().neg() + 1.0;
    let is_abnormal = is_normal.clone().neg() + 1.0;
    -(normal.log() * is_normal + abnormal.log() * is_abnormal)
}
