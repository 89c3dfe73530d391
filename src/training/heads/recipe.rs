//! How each method's heads are built and trained.

use serde::{Deserialize, Serialize};

use crate::bundle::{Mask, Method};
use crate::training::{HeadShape, TrainingError};

/// Sizes and settings of a training; part of the digest under which heads are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// K, the number of heads.
    pub members: usize,
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Probability of dropping a hidden unit while training.
    pub dropout: f64,
    /// Whether each head sees its own bootstrap sample of the cells.
    pub bootstrap: bool,
    /// Passes over the cells; each shows every cell once, in one of its views.
    pub epochs: usize,
    /// Cells per step.
    pub batch: usize,
    /// Highest learning rate; it rises over the first steps and falls along a cosine.
    pub learning_rate: f64,
    /// Decoupled weight decay (Loshchilov & Hutter, 2019).
    pub weight_decay: f64,
}

impl Recipe {
    /// The compact heads of the default bundle. The settings were compared out of fold on CRIC's training part.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] for test-time augmentation, which uses the baseline's head.
    pub fn compact(method: Method) -> Result<Self, TrainingError> {
        let base = Self {
            members: 1,
            hidden: vec![128],
            dropout: 0.5,
            bootstrap: false,
            epochs: 40,
            batch: 128,
            learning_rate: 2e-3,
            weight_decay: 1.0,
        };
        match method {
            Method::Baseline => Ok(base),
            Method::McDropout => Ok(Self {
                hidden: vec![256],
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

    /// The shape of the heads for a number of features and classes.
    pub fn shape(&self, features: usize, classes: usize) -> HeadShape {
        HeadShape {
            members: self.members,
            features,
            hidden: self.hidden.clone(),
            classes,
        }
    }

    /// One mask per hidden layer, for a head whose dropout stays on.
    pub fn masks(&self) -> Vec<Mask> {
        let mask = |(layer, width): (usize, &usize)| Mask {
            input: format!("mask_{layer}"),
            width: *width,
            drop_probability: self.dropout,
        };
        self.hidden.iter().enumerate().map(mask).collect()
    }
}
