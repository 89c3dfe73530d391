//! Sizes and training settings of each method's heads.

use serde::{Deserialize, Serialize};

use crate::{
    TrainingError,
    error::ensure,
    fit::shared::{
        FEATURE_MASK, Schedule,
        losses::{EPSILON, LossOptions, MultiHeadLoss},
        optimiser::OptimiserSettings,
        weights::HeadShape,
    },
};
use bundle::Mask;

/// The input of one training step per cell, over which the multi-head loss is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Copies {
    /// One view, the next one in each epoch. The loss is over the K heads.
    One,
    /// This many copies of one view, each with other features dropped. One head; a copy takes the
    /// place of a head.
    Dropped(usize),
    /// All views at once. One head; a view takes the place of a head.
    Views,
}

/// The dropout that stays on when a head answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerDropout {
    /// None.
    Nothing,
    /// On features only, which the paper calls Monte Carlo dropout.
    Features,
    /// On hidden units, and on features if the recipe drops any.
    Everything,
}

/// Sizes and settings of a training. Part of the digest under which heads are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// K, the number of heads.
    pub members: usize,
    /// Widths of the hidden layers; empty for a linear head.
    pub hidden: Vec<usize>,
    /// Probability of dropping a hidden unit while training.
    pub dropout: f64,
    /// Probability of dropping a feature while training, the same features for all heads.
    pub feature_dropout: f64,
    /// The dropout that stays on in answers (Monte Carlo dropout).
    pub answers_under: AnswerDropout,
    /// What a step sees of each cell.
    pub copies: Copies,
    /// The loss.
    pub loss: MultiHeadLoss,
    /// See [`LossOptions::binary_share`].
    pub binary_share: f64,
    /// Whether each head gets its own bootstrap sample of the cells.
    pub bootstrap: bool,
    /// Heads that one thread trains as one product; the others train in parallel with their own
    /// random streams. A loss that couples the heads ignores this and trains all together.
    pub heads_together: usize,
    /// Whether features are standardised to mean 0 and deviation 1 in training. Trained heads take
    /// raw features.
    pub standardised: bool,
    /// Passes over the cells, at most.
    pub epochs: usize,
    /// Epochs without a lower validation loss before training stops and returns to the best epoch.
    /// If `None` or without validation cells, all epochs run and the last one counts.
    pub patience: Option<usize>,
    /// Cells per step.
    pub batch: usize,
    /// The course of the learning rate.
    pub schedule: Schedule,
    /// Settings of the optimiser; the trunk's rate is not used.
    pub optimiser: OptimiserSettings,
}

impl Recipe {
    /// The shape of the heads for a number of features and classes.
    pub fn shape(&self, features: usize, classes: usize) -> HeadShape {
        HeadShape {
            members: self.members,
            features,
            hidden: self.hidden.clone(),
            classes,
        }
    }

    /// The masks of a head on D features whose dropout stays on: first of the features, then of the
    /// hidden layers.
    pub fn masks(&self, features: usize) -> Vec<Mask> {
        let of_features = Mask {
            input: FEATURE_MASK.to_owned(),
            width: features,
            drop_probability: self.feature_dropout,
        };
        let of_layer = |(layer, width): (usize, &usize)| Mask {
            input: format!("mask_{layer}"),
            width: *width,
            drop_probability: self.dropout,
        };
        let of_features = (self.feature_dropout > 0.0).then_some(of_features);
        let of_layers = self.hidden.iter().enumerate().map(of_layer);
        match self.answers_under {
            AnswerDropout::Nothing => Vec::new(),
            AnswerDropout::Features => of_features.into_iter().collect(),
            AnswerDropout::Everything => of_features.into_iter().chain(of_layers).collect(),
        }
    }

    /// The options of the loss, given which classes are abnormal.
    pub fn loss_options<'a>(&self, abnormal: &'a [bool]) -> LossOptions<'a> {
        LossOptions {
            abnormal,
            binary_share: self.binary_share,
            epsilon: EPSILON,
        }
    }

    /// Refuses settings that cannot be trained with.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`].
    pub fn check(&self) -> Result<(), TrainingError> {
        let is_share = |share: f64| (0.0..1.0).contains(&share);
        ensure!(
            self.members > 0 && self.heads_together > 0,
            "members and heads_together must be at least 1"
        );
        ensure!(
            !self.hidden.contains(&0),
            "hidden: every layer needs at least 1 unit"
        );
        ensure!(
            self.batch > 0 && self.epochs > 0,
            "batch and epochs must be at least 1"
        );
        ensure!(
            self.copies != Copies::Dropped(0),
            "copies: at least 1 copy of each cell is needed"
        );
        ensure!(
            self.copies == Copies::One || self.members == 1,
            "copies of each cell train one head: set members to 1"
        );
        ensure!(
            is_share(self.dropout) && is_share(self.feature_dropout),
            "dropout must be at least 0 and below 1, for example 0.3"
        );
        Ok(())
    }
}
