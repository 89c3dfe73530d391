//! From cells and a trunk to a model: a trunk and its heads, trained without some folds.
//!
//! Two ways lead there, and what comes after does not know which it was: [`frozen`] trains heads on the features of a trunk
//! that stays as it is, [`fine_tuned`] trains trunk and heads together. [`shared`] has what both are made of.

pub(crate) mod fine_tuned;
pub(crate) mod frozen;
pub(crate) mod shared;

use std::collections::BTreeMap;

use self::{fine_tuned::FineTuning, frozen::FrozenTraining, shared::weights::HeadWeights};
use crate::{TrainingError, data::part::HeldOutFolds, trunks::file::TrunkFile};
use bundle::{Mask, Method};

/// The methods that answer about the crop as it is, each by heads of its own.
pub(crate) const HEAD_METHODS: [Method; 3] =
    [Method::Baseline, Method::McDropout, Method::Ensemble];

/// What was trained with some folds held out.
#[derive(Clone, Debug)]
pub(crate) struct FoldModel {
    /// The folds that nothing here has learnt from.
    pub held_out: HeldOutFolds,
    /// The trunk, as it was or fine-tuned.
    pub trunk: TrunkFile,
    /// Whether the trunk was trained, too.
    pub fine_tuned: bool,
    /// The heads of each method that has its own.
    pub heads: BTreeMap<Method, HeadWeights>,
    /// The masks of Monte Carlo dropout.
    pub masks: Vec<Mask>,
}

impl FoldModel {
    /// The head that answers for a method: test-time augmentation runs the baseline's unless it has one of its own.
    ///
    /// # Errors
    /// [`TrainingError::Missing`] when it was not trained.
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

/// How trunk and heads are made.
pub(crate) enum FitWay<'a> {
    /// Heads on the features of a trunk that stays as it is.
    Frozen(FrozenTraining<'a>),
    /// Trunk and heads together.
    FineTuned(FineTuning<'a>),
}

impl FitWay<'_> {
    /// What was trained with some folds held out.
    ///
    /// # Errors
    /// [`TrainingError::Missing`] before that.
    pub(crate) fn model(&self, held_out: &HeldOutFolds) -> Result<FoldModel, TrainingError> {
        match self {
            Self::Frozen(training) => training.model(held_out),
            Self::FineTuned(training) => training.model(held_out),
        }
    }
}
