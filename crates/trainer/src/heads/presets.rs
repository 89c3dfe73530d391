//! The recipes that come with the trainer.

use crate::{AnswerDropout, Copies, MultiHeadLoss, Recipe, Schedule, TrainingError};
use bundle::Method;

impl Recipe {
    /// The compact heads of the default bundle. The settings were compared out of fold on CRIC's training part.
    ///
    /// Their loss is `individual` with half a binary cross entropy per cell: on CRIC it keeps six-class training from
    /// losing the normal–abnormal boundary. Ten of the fifty small heads per thread cost less than all in one product
    /// (3.7 against 4.8 CPU seconds for ten epochs) or each alone (6.5).
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
            heads_together: 10,
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
    /// test-time augmentation (all views given, 50 in the paper); 50 heads for the ensemble, on the same cells, each
    /// trained alone where the loss allows it. But for test-time augmentation the paper shows each cell in one view:
    /// give [`crate::TrainingCells`] one.
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
}
