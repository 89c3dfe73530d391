//! A trunk and its heads, trained without one fold: what calibration, evaluation and export work with.

pub mod frozen;
pub mod scores;

use std::collections::BTreeMap;

use crate::{
    bundle::{Mask, Method},
    training::{HeadWeights, TrainingError, TrunkFile},
};

/// The methods with heads of their own.
pub const HEAD_METHODS: [Method; 3] = [Method::Baseline, Method::McDropout, Method::Ensemble];

/// What was trained with one fold held out.
#[derive(Clone, Debug)]
pub struct FoldModel {
    /// The fold that nothing here has learnt from.
    pub held_out: usize,
    /// The trunk, as it was or fine-tuned.
    pub trunk: TrunkFile,
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
    pub fn head(&self, method: Method) -> Result<&HeadWeights, TrainingError> {
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
