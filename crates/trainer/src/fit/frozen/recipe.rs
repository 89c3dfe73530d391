//! How each method's heads are built and trained.

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

/// What one step of training sees of each cell, and so what the multi-head loss is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Copies {
    /// One view, the next in each epoch; the loss is over the K heads.
    One,
    /// So many copies of one view, each with features dropped anew; one head, and a copy takes the place of a head.
    Dropped(usize),
    /// All views at once; one head, and a view takes the place of a head.
    Views,
}

/// Which dropout stays on when a head answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerDropout {
    /// None.
    Nothing,
    /// Features only: what the paper calls Monte Carlo dropout.
    Features,
    /// Hidden units, and features where the recipe drops any.
    Everything,
}

/// Sizes and settings of a training; part of the digest under which heads are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// K, the number of heads.
    pub members: usize,
    /// Widths of the hidden layers; without any, a head is linear.
    pub hidden: Vec<usize>,
    /// Probability of dropping a hidden unit while training.
    pub dropout: f64,
    /// Probability of dropping a feature while training, the same ones for all heads.
    pub feature_dropout: f64,
    /// Which of both goes on in the answers (Monte Carlo dropout).
    pub answers_under: AnswerDropout,
    /// What a step sees of each cell.
    pub copies: Copies,
    /// What the heads minimise.
    pub loss: MultiHeadLoss,
    /// See [`LossOptions::binary_share`].
    pub binary_share: f64,
    /// Whether each head sees its own bootstrap sample of the cells.
    pub bootstrap: bool,
    /// Heads that one thread trains as one product; the others train beside them, with random streams of their own. A
    /// loss that couples the heads needs all of them together, whatever stands here.
    pub heads_together: usize,
    /// Whether features are shifted and scaled to mean 0 and deviation 1 while training; trained heads take raw ones.
    pub standardised: bool,
    /// Passes over the cells, at most.
    pub epochs: usize,
    /// Epochs without a lower loss on the validation cells after which training stops and returns to the best one.
    /// Without it, or without validation cells, training runs for all epochs and the last one counts.
    pub patience: Option<usize>,
    /// Cells per step.
    pub batch: usize,
    /// How the learning rate moves.
    pub schedule: Schedule,
    /// Steps; that of the trunk has no say.
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

    /// The masks of a head on D features whose dropout stays on: of the features first, then of the hidden layers.
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

    /// How the loss is computed for classes of which these are abnormal.
    pub fn loss_options<'a>(&self, abnormal: &'a [bool]) -> LossOptions<'a> {
        LossOptions {
            abnormal,
            binary_share: self.binary_share,
            epsilon: EPSILON,
        }
    }

    /// Refuses settings with which nothing can be trained.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`].
    pub fn check(&self) -> Result<(), TrainingError> {
        let is_share = |share: f64| (0.0..1.0).contains(&share);
        ensure!(
            self.members > 0 && self.heads_together > 0,
            "the number of heads must be at least 1"
        );
        ensure!(
            !self.hidden.contains(&0),
            "hidden layers must have at least one unit"
        );
        ensure!(
            self.batch > 0 && self.epochs > 0,
            "the batch and the epochs must be at least 1"
        );
        ensure!(
            self.copies != Copies::Dropped(0),
            "there must be at least one copy of each cell"
        );
        ensure!(
            self.copies == Copies::One || self.members == 1,
            "copies of each cell train one head: set members to 1"
        );
        ensure!(
            is_share(self.dropout) && is_share(self.feature_dropout),
            "dropout must lie in [0, 1)"
        );
        Ok(())
    }
}
