//! How each method's heads are built and trained.

use serde::{Deserialize, Serialize};

use crate::bundle::{Mask, Method};
use crate::training::heads::losses::LossOptions;
use crate::training::{HeadShape, MultiHeadLoss, TrainingError, heads::losses::EPSILON};

/// Name of the input by which the exported Monte Carlo dropout drops features.
pub const FEATURE_MASK: &str = "mask_features";

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

/// How the learning rate moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Rises over the first 5% of the steps and falls along a cosine to 1%.
    WarmUpAndCosine,
    /// Stays.
    Constant,
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
    /// Whether both kinds of dropout go on in the answers (Monte Carlo dropout).
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
    /// Highest learning rate.
    pub learning_rate: f64,
    /// How it moves.
    pub schedule: Schedule,
    /// Adam's β₁ and β₂.
    pub betas: [f32; 2],
    /// Decoupled weight decay (Loshchilov & Hutter, 2019).
    pub weight_decay: f64,
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

impl Recipe {
    /// The compact heads of the default bundle. The settings were compared out of fold on CRIC's training part.
    ///
    /// Their loss is `individual` with half a binary cross entropy per cell: on CRIC it keeps six-class training from
    /// losing the normal–abnormal boundary.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] for test-time augmentation, which uses the baseline's head.
    pub fn compact(method: Method) -> Result<Self, TrainingError> {
        let base = Self {
            members: 1,
            hidden: vec![128],
            dropout: 0.5,
            feature_dropout: 0.0,
            answers_under: AnswerDropout::Nothing,
            copies: Copies::One,
            loss: MultiHeadLoss::Individual,
            binary_share: 0.5,
            bootstrap: false,
            heads_together: 50,
            standardised: true,
            epochs: 40,
            patience: None,
            batch: 128,
            learning_rate: 2e-3,
            schedule: Schedule::WarmUpAndCosine,
            betas: [0.9, 0.999],
            weight_decay: 1.0,
        };
        match method {
            Method::Baseline => Ok(base),
            Method::McDropout => Ok(Self {
                hidden: vec![256],
                answers_under: AnswerDropout::Everything,
                ..base
            }),
            Method::Ensemble => Ok(Self {
                members: 50,
                hidden: vec![24],
                dropout: 0.0,
                bootstrap: true,
                epochs: 20,
                learning_rate: 1e-3,
                weight_decay: 0.1,
                ..base
            }),
            Method::Tta => Err(TrainingError::Impossible(
                "tta uses the baseline's head: train baseline, mc_dropout or ensemble".to_owned(),
            )),
        }
    }

    /// The paper's heads (Ojha & Narendra, MIDL 2024) on features of any number D: D-1024-512-256-128-C with dropout 0.3
    /// while training; Adam at a constant 2e-4 with β = (0.5, 0.99); batches of 256; at most 100 epochs, patience 20.
    ///
    /// One head each for the baseline, for Monte Carlo dropout (50 copies with half the features dropped) and for
    /// test-time augmentation (all views given, 50 in the paper); 50 heads for the ensemble, on the same cells. The
    /// paper shows each cell in one view, but for test-time augmentation: give [`crate::training::TrainingCells`] one.
    ///
    /// What we do not know of the paper's training is chosen as is usual: no weight decay, a loss per cell without our
    /// binary term, early stopping on the loss, initial weights after He. What we change: early stopping watches cells
    /// that do not evaluate afterwards, where the paper takes the held-out fold.
    pub fn paper(method: Method, loss: MultiHeadLoss) -> Self {
        let base = Self {
            members: 1,
            hidden: vec![1024, 512, 256, 128],
            dropout: 0.3,
            feature_dropout: 0.0,
            answers_under: AnswerDropout::Nothing,
            copies: Copies::One,
            loss,
            binary_share: 0.0,
            bootstrap: false,
            heads_together: 1,
            standardised: false,
            epochs: 100,
            patience: Some(20),
            batch: 256,
            learning_rate: 2e-4,
            schedule: Schedule::Constant,
            betas: [0.5, 0.99],
            weight_decay: 0.0,
        };
        match method {
            Method::Baseline => base,
            Method::McDropout => Self {
                feature_dropout: 0.5,
                answers_under: AnswerDropout::Features,
                copies: Copies::Dropped(50),
                ..base
            },
            Method::Ensemble => Self {
                members: 50,
                ..base
            },
            Method::Tta => Self {
                copies: Copies::Views,
                ..base
            },
        }
    }

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

    /// How the loss is computed.
    pub fn loss_options(&self) -> LossOptions {
        LossOptions {
            binary_share: self.binary_share,
            epsilon: EPSILON,
        }
    }

    /// Refuses settings with which nothing can be trained.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`].
    pub fn check(&self) -> Result<(), TrainingError> {
        let share = |share: f64| (0.0..1.0).contains(&share);
        let one_head = self.copies == Copies::One || self.members == 1;
        let wrong = [
            (
                self.members == 0 || self.heads_together == 0,
                "the number of heads must be at least 1",
            ),
            (
                self.hidden.contains(&0),
                "hidden layers must have at least one unit",
            ),
            (
                self.batch == 0 || self.epochs == 0,
                "the batch and the epochs must be at least 1",
            ),
            (
                self.copies == Copies::Dropped(0),
                "there must be at least one copy of each cell",
            ),
            (
                !one_head,
                "copies of each cell train one head: set members to 1",
            ),
            (
                !share(self.dropout) || !share(self.feature_dropout),
                "dropout must lie in [0, 1)",
            ),
        ];
        match wrong.iter().find(|(wrong, _)| *wrong) {
            Some((_, reason)) => Err(TrainingError::Impossible((*reason).to_owned())),
            None => Ok(()),
        }
    }
}
