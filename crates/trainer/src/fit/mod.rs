//! Trains a trunk and its heads without some folds.
//!
//! There are two ways, and later steps do not depend on which was used: [`frozen`] trains heads on
//! the features of a frozen trunk, [`fine_tuned`] trains trunk and heads together. [`shared`] holds
//! their common parts.

pub(crate) mod fine_tuned;
pub(crate) mod frozen;
pub(crate) mod shared;

use std::collections::BTreeMap;

use self::{fine_tuned::FineTuning, frozen::FrozenTraining, shared::weights::HeadWeights};
use crate::{TrainingError, data::part::HeldOutFolds, trunks::file::TrunkFile};
use bundle::{Mask, Method};

/// The methods that answer about the unaltered crop, each with its own heads.
pub(crate) const HEAD_METHODS: [Method; 3] =
    [Method::Baseline, Method::McDropout, Method::Ensemble];

/// A model trained without some folds.
#[derive(Clone, Debug)]
pub(crate) struct FoldModel {
    /// The folds that it was trained without.
    pub held_out: HeldOutFolds,
    /// The trunk, original or fine-tuned.
    pub trunk: TrunkFile,
    /// Whether the trunk was trained as well.
    pub fine_tuned: bool,
    /// The heads of each method with heads of its own.
    pub heads: BTreeMap<Method, HeadWeights>,
    /// The masks of Monte Carlo dropout.
    pub masks: Vec<Mask>,
}

impl FoldModel {
    /// The head of a method. Test-time augmentation uses the baseline's unless it has its own.
    ///
    /// # Errors
    /// [`TrainingError::Missing`] if it was not trained.
    pub(crate) fn head(&self, method: Method) -> Result<&HeadWeights, TrainingError> {
        let fallback = (method == Method::Tta).then_some(Method::Baseline);
        let found = self
            .heads
            .get(&method)
            .or_else(|| self.heads.get(&fallback?));
        found.ok_or_else(|| TrainingError::Missing {
            what: format!("the {method} head"),
            command: format!("train --method {method}"),
        })
    }
}

/// How trunk and heads are trained.
pub(crate) enum FitWay<'a> {
    /// Heads on the features of a frozen trunk.
    Frozen(FrozenTraining<'a>),
    /// Trunk and heads together.
    FineTuned(FineTuning<'a>),
}

impl FitWay<'_> {
    /// The model for some held-out folds.
    ///
    /// # Errors
    /// [`TrainingError::Missing`] if it was not trained.
    pub(crate) fn model(&self, held_out: &HeldOutFolds) -> Result<FoldModel, TrainingError> {
        match self {
            Self::Frozen(training) => training.model(held_out),
            Self::FineTuned(training) => training.model(held_out),
        }
    }
}
