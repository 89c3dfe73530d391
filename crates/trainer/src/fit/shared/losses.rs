//! The multi-head losses, which K heads minimise together.
//!
//! With a frozen trunk and separate heads, a loss that is a sum over heads trains them
//! independently: the gradient of the sum with respect to one head is that head's own. Therefore
//! `individual` and `combined`, two losses in the paper, are one, and so are `meta_individual` and
//! `meta_combined`; the second names are aliases. The other losses couple the heads through the
//! mean of their logits or probabilities, or through the head with the lowest loss of the batch.

use burn::tensor::{Tensor, TensorData, activation::log_softmax};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// ε of the paper's meta losses.
pub const EPSILON: f64 = 0.2;

/// Keeps a logarithm finite where a probability is rounded to 0 or 1.
const TINY: f64 = 1e-6;

/// A loss of K heads. The loss of a head is the mean of its cells' costs. The cost of a cell is its
/// cross entropy, plus a share of a binary one (see [`LossOptions`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[value(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum MultiHeadLoss {
    /// The loss of the heads' mean logits, as of one head: mean over cells of CE((1/K) Σₖ zₖ, y).
    #[value(alias = "avg_across_all_heads_loss")]
    AvgAcrossAllHeads,
    /// The sum of the heads' losses. The paper propagates them back one by one, or (`combined`) at
    /// once. The gradient is the same, so both names are accepted.
    #[value(aliases = ["combined", "individual_multi_head_loss", "combined_multi_head_loss"])]
    #[serde(alias = "combined")]
    Individual,
    /// The sum of the heads' losses with weight 1 − ε for the lowest one of the batch (the first,
    /// if several are equal) and ε for *every* other, so that the weights sum to 1 only with two
    /// heads. No gradient flows through the weights. The paper's `meta_combined` is the same sum.
    #[value(aliases = [
        "meta_combined",
        "meta_individual_multi_head_loss",
        "meta_combined_multi_head_loss",
    ])]
    #[serde(alias = "meta_combined")]
    MetaIndividual,
    /// Not in the paper: −ln of the heads' mean probability, the likelihood of the mixture that
    /// answers.
    MixtureNll,
    /// Not in the paper: `meta_individual` with ε / (K − 1) for the others, so that the weights sum
    /// to 1.
    MetaNormalised,
}

/// The targets of a batch.
#[derive(Clone, Debug)]
pub struct Targets {
    /// One-hot or soft classes `[1, N, C]`; every row sums to 1.
    pub classes: Tensor<3>,
    /// How much each cell counts for each head, `[K, N, 1]`. Losses of the heads' mean use the mean
    /// over the heads.
    pub weights: Tensor<3>,
}

/// The settings of a loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossOptions<'a> {
    /// Share of the binary cross entropy of normal against abnormal classes in the cost of a cell.
    /// Added only if there are more than two classes (with two it is the same term) of both kinds.
    pub binary_share: f64,
    /// Whether each of the C classes is abnormal.
    pub abnormal: &'a [bool],
    /// ε of the meta losses, in [0, 1].
    pub epsilon: f64,
}

/// Why a loss cannot be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LossError {
    /// K, N or C is 0.
    #[error("expected at least one head, one cell and one class, found none")]
    Empty,
    /// The targets have another size than the logits.
    #[error("the targets have another size than the logits")]
    Shape,
    /// A class is not one of the C classes.
    #[error("the class of a cell is not one of the classes")]
    LabelOutOfRange,
    /// ε is outside [0, 1].
    #[error("epsilon must be from 0 to 1, for example 0.2")]
    Domain,
    /// A logit is NaN, or so large that the loss is infinite.
    #[error("the loss is infinite or NaN: lower the learning rate, or check the features")]
    NotFinite,
}

impl MultiHeadLoss {
    /// Whether each head's gradient depends on that head alone.
    pub fn trains_heads_apart(self) -> bool {
        self == Self::Individual
    }

    /// The loss of logits `[K, N, C]`, a tensor of one value; burn computes its gradient.
    ///
    /// If one head sees several copies of each cell (views, passes under dropout), a copy takes the
    /// place of a head.
    ///
    /// # Errors
    /// [`LossError`]. Of the values, only the loss itself is checked.
    pub fn of(
        self,
        logits: Tensor<3>,
        targets: &Targets,
        options: &LossOptions<'_>,
    ) -> Result<Tensor<1>, LossError> {
        let [_, cells, classes] = logits.dims();
        let is_of_size = targets.classes.dims() == [1, cells, classes];
        if !is_of_size || options.abnormal.len() != classes {
            return Err(LossError::Shape);
        }
        let cost = |log_probabilities| costs(log_probabilities, targets, options);
        self.of_costs(logits, &targets.weights, options.epsilon, cost)
    }

    /// The loss with another cost of a cell than cross entropy. `cost` maps log-probabilities
    /// `[H, N, C]`, of each head or of all as one, to `[H, N, 1]`; `weights` are those of
    /// [`Targets`].
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn of_costs(
        self,
        logits: Tensor<3>,
        weights: &Tensor<3>,
        epsilon: f64,
        cost: impl Fn(Tensor<3>) -> Tensor<3>,
    ) -> Result<Tensor<1>, LossError> {
        check(&logits, weights, epsilon)?;
        let cells = logits.dims()[1] as f64;
        let costs = cost(self.log_probabilities(logits));
        // A product, because burn's gradient of a division by a number is rounded to single
        // precision.
        let of_heads = (costs * self.cell_weights(weights)).sum_dim(1) * (1.0 / cells);
        let loss = match self.head_weights(&of_heads, epsilon) {
            Some(weights) => (of_heads * weights).sum(),
            None => of_heads.sum(),
        };
        let value = loss.clone().inner().into_data().iter::<f64>().next();
        match value {
            Some(value) if value.is_finite() => Ok(loss),
            _ => Err(LossError::NotFinite),
        }
    }

    /// The sum of the weights of K heads: divide by it for a mean over heads.
    pub fn total_weight(self, heads: usize, epsilon: f64) -> f64 {
        match self {
            Self::Individual => heads as f64,
            Self::MetaIndividual => 1.0 - epsilon + epsilon * heads.saturating_sub(1) as f64,
            Self::AvgAcrossAllHeads | Self::MixtureNll | Self::MetaNormalised => 1.0,
        }
    }

    /// `[K, N, C]`, or `[1, N, C]` if the heads answer as one.
    fn log_probabilities(self, logits: Tensor<3>) -> Tensor<3> {
        match self {
            Self::AvgAcrossAllHeads => log_softmax(logits.mean_dim(0), 2),
            Self::MixtureNll => log_mean_exp(log_softmax(logits, 2)),
            _ => log_softmax(logits, 2),
        }
    }

    fn cell_weights(self, weights: &Tensor<3>) -> Tensor<3> {
        match self {
            Self::AvgAcrossAllHeads | Self::MixtureNll => weights.clone().mean_dim(0),
            _ => weights.clone(),
        }
    }

    /// `[K, 1, 1]`, for the meta losses.
    fn head_weights(self, of_heads: &Tensor<3>, epsilon: f64) -> Option<Tensor<3>> {
        let heads = of_heads.dims()[0];
        let of_others = match self {
            Self::MetaIndividual => epsilon,
            Self::MetaNormalised => epsilon / (heads.max(2) - 1) as f64,
            _ => return None,
        };
        let of_lowest = match self {
            Self::MetaNormalised if heads == 1 => 1.0,
            _ => 1.0 - epsilon,
        };
        let losses: Vec<f64> = of_heads.clone().inner().into_data().iter().collect();
        let lowest = lowest(&losses);
        let weight = |head| {
            if head == lowest { of_lowest } else { of_others }
        };
        let weights: Vec<f64> = (0..heads).map(weight).collect();
        let options = (&of_heads.device(), of_heads.dtype());
        Some(Tensor::from_data(
            TensorData::new(weights, [heads, 1, 1]),
            options,
        ))
    }
}

/// The index of the lowest value; the first one if several are equal.
fn lowest(losses: &[f64]) -> usize {
    let mut best = (0, f64::INFINITY);
    for (head, loss) in losses.iter().enumerate() {
        if *loss < best.1 {
            best = (head, *loss);
        }
    }
    best.0
}

fn check(logits: &Tensor<3>, weights: &Tensor<3>, epsilon: f64) -> Result<(), LossError> {
    let [heads, cells, _] = logits.dims();
    if heads == 0 || cells == 0 {
        return Err(LossError::Empty);
    }
    if weights.dims() != [heads, cells, 1] {
        return Err(LossError::Shape);
    }
    if !(0.0..=1.0).contains(&epsilon) {
        return Err(LossError::Domain);
    }
    Ok(())
}

/// One-hot rows `[N · C]` of some classes.
///
/// # Errors
/// [`LossError::LabelOutOfRange`]; [`LossError::Empty`] when there are no classes.
pub fn one_hot(
    classes: impl Iterator<Item = usize>,
    class_count: usize,
) -> Result<Vec<f32>, LossError> {
    if class_count == 0 {
        return Err(LossError::Empty);
    }
    let mut rows = Vec::new();
    for class in classes {
        let start = rows.len();
        rows.resize(start + class_count, 0.0);
        let own = rows[start..].get_mut(class);
        *own.ok_or(LossError::LabelOutOfRange)? = 1.0;
    }
    Ok(rows)
}

/// ln of the mean of exp over the first axis, shifted by the maximum to avoid underflow.
fn log_mean_exp(values: Tensor<3>) -> Tensor<3> {
    let largest = values.clone().detach().max_dim(0);
    (values - largest.clone()).exp().mean_dim(0).log() + largest
}

/// The cost of every cell: log-probabilities `[H, N, C]` → `[H, N, 1]`.
fn costs(log_probabilities: Tensor<3>, targets: &Targets, options: &LossOptions<'_>) -> Tensor<3> {
    let classes = log_probabilities.dims()[2];
    let cross_entropy = -(log_probabilities.clone() * targets.classes.clone()).sum_dim(2);
    if classes <= 2 || options.binary_share == 0.0 {
        return cross_entropy;
    }
    match binary_cross_entropy(&log_probabilities, targets, options.abnormal) {
        Some(of_question) => cross_entropy + of_question * options.binary_share,
        None => cross_entropy,
    }
}

/// Binary cross entropy of the summed probability of the normal classes; `None` if all classes are
/// of one kind.
fn binary_cross_entropy(
    log_probabilities: &Tensor<3>,
    targets: &Targets,
    abnormal: &[bool],
) -> Option<Tensor<3>> {
    if !abnormal.contains(&true) {
        return None;
    }
    let normal = || abnormal.iter().enumerate().filter(|(_, flag)| !**flag);
    let of_class = |values: &Tensor<3>, class| values.clone().narrow(2, class, 1);
    let probabilities = normal().map(|(class, _)| of_class(log_probabilities, class).exp());
    let is_normal = normal().map(|(class, _)| of_class(&targets.classes, class));
    let normal = probabilities
        .reduce(|sum, class| sum + class)?
        .clamp(TINY, 1.0 - TINY);
    let is_normal = is_normal.reduce(|sum, class| sum + class)?;
    let abnormal = normal.clone().neg() + 1.0;
    let is_abnormal = is_normal.clone().neg() + 1.0;
    Some(-(normal.log() * is_normal + abnormal.log() * is_abnormal))
}
