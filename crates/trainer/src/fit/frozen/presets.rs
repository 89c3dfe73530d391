//! The built-in recipes, and the options that select and change them.

use clap::{Args, ValueEnum};

use super::recipe::{AnswerDropout, Copies, Recipe};
use crate::{
    TrainingError,
    data::views::ViewPlan,
    error::{ensure, impossible},
    fit::HEAD_METHODS,
    fit::shared::{Schedule, losses::MultiHeadLoss, optimiser::OptimiserSettings},
};
use bundle::Method;
use imaging::augment::AugmentPolicy;

impl Recipe {
    /// The compact heads of the default bundle. Their settings were compared out of fold on CRIC's
    /// training part.
    ///
    /// The loss is `individual` with half a binary cross entropy per cell, which on CRIC keeps
    /// six-class training from losing the boundary between normal and abnormal. Ten of the fifty
    /// small heads per thread cost less than all in one product (3.7 against 4.8 CPU seconds for
    /// ten epochs) or each alone (6.5).
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
            schedule: Schedule {
                warm_up: 0.05,
                last: 0.01,
            },
            optimiser: heads_alone(2e-3, [0.9, 0.999], 1.0),
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
                optimiser: heads_alone(1e-3, [0.9, 0.999], 0.1),
                ..base
            }),
            Method::Tta => Err(impossible!(
                "tta uses the baseline's head and is not trained: train baseline, mc_dropout or \
                 ensemble"
            )),
        }
    }

    /// The paper's heads (Ojha & Narendra, MIDL 2024) on any number D of features:
    /// D-1024-512-256-128-C with dropout 0.3 in training; Adam at a constant 2e-4 with β = (0.5,
    /// 0.99); batches of 256; at most 100 epochs, patience 20.
    ///
    /// - Baseline: one head.
    /// - Monte Carlo dropout: one head; 50 copies of each cell with half the features dropped.
    /// - Test-time augmentation: one head on all given views, 50 in the paper.
    /// - Ensemble: 50 heads on the same cells, trained separately if the loss allows it.
    ///
    /// Except for test-time augmentation, the paper shows each cell in one view: give
    /// [`crate::TrainingCells`] one view.
    ///
    /// Where the paper is silent, the usual choice is made: no weight decay, a loss per cell
    /// without the binary term, early stopping on the loss, He initialisation. One difference is
    /// deliberate: early stopping uses cells that do not evaluate afterwards, where the paper uses
    /// the held-out fold.
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
            schedule: Schedule::CONSTANT,
            optimiser: heads_alone(2e-4, [0.5, 0.99], 0.0),
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

/// Adam for heads on a frozen trunk: no gradient clipping, and the last weights count.
fn heads_alone(head_rate: f64, [beta1, beta2]: [f64; 2], weight_decay: f64) -> OptimiserSettings {
    OptimiserSettings {
        trunk_rate: 0.0,
        head_rate,
        beta1,
        beta2,
        weight_decay,
        clip: f64::INFINITY,
        averaging: 0.0,
    }
}

/// Views of each cell for compact heads: all eight symmetries of the square.
const COMPACT_VIEWS: usize = 8;

/// The sizes and settings to start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// Small heads for a bundle that is served
    Compact,
    /// The paper's heads and training: D-1024-512-256-128-C, 50 heads, 50 copies, Adam, early
    /// stopping
    Paper,
}

/// The recipe and the options that change it.
#[derive(Clone, Copy, Debug, Args)]
pub struct RecipeArgs {
    /// Sizes and settings of the heads and their training
    #[arg(long, value_enum, default_value = "compact")]
    pub preset: Preset,
    /// Loss that several heads (or views, or passes of one head) minimise together; default
    /// `individual`
    #[arg(long, alias = "multi_head_loss", value_enum, value_name = "LOSS")]
    pub multi_head_loss: Option<MultiHeadLoss>,
    /// Passes over the cells, at most
    #[arg(long, alias = "num_epochs", value_name = "N")]
    pub num_epochs: Option<usize>,
    /// Cells per step
    #[arg(long, alias = "batch_size", value_name = "N")]
    pub batch_size: Option<usize>,
    /// Highest learning rate, for example 0.0002
    #[arg(long)]
    pub lr: Option<f64>,
    /// Heads of the ensemble
    #[arg(long, alias = "num_heads", value_name = "K")]
    pub members: Option<usize>,
    /// Views of test-time augmentation: in answers, and in training if it has a head of its own.
    /// `evaluate` uses as many as the bundle
    #[arg(long, default_value_t = 50, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub views: u16,
}

impl RecipeArgs {
    /// The recipe of a method's heads.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] for compact test-time augmentation, which uses the baseline's
    /// head, and for settings that cannot be trained with.
    pub fn recipe(&self, method: Method) -> Result<Recipe, TrainingError> {
        let loss = self.multi_head_loss.unwrap_or(MultiHeadLoss::Individual);
        let mut recipe = match self.preset {
            Preset::Compact => Recipe {
                loss,
                ..Recipe::compact(method)?
            },
            Preset::Paper => Recipe::paper(method, loss),
        };
        recipe.epochs = self.num_epochs.unwrap_or(recipe.epochs);
        recipe.batch = self.batch_size.unwrap_or(recipe.batch);
        let rate = self.lr.unwrap_or(recipe.optimiser.head_rate);
        recipe.optimiser.head_rate = rate;
        if method == Method::Ensemble {
            recipe.members = self.members.unwrap_or(recipe.members);
        }
        ensure!(
            rate > 0.0 && rate.is_finite(),
            "--lr must be above 0, for example 0.0002, found {rate}"
        );
        recipe.check()?;
        Ok(recipe)
    }

    /// The methods with heads of their own.
    pub fn methods(&self) -> &'static [Method] {
        match self.preset {
            Preset::Compact => &HEAD_METHODS,
            Preset::Paper => &Method::ALL,
        }
    }

    /// The views of each cell for a method's heads.
    pub fn training_views(&self, method: Method) -> ViewPlan {
        match (self.preset, method) {
            (Preset::Compact, _) => ViewPlan::Dihedral {
                count: COMPACT_VIEWS,
            },
            (Preset::Paper, Method::Tta) => ViewPlan::Policy {
                policy: AugmentPolicy::paper(),
                count: usize::from(self.views),
            },
            (Preset::Paper, _) => ViewPlan::Dihedral { count: 1 },
        }
    }
}

/// A method by its name or by the paper's class.
///
/// # Errors
/// [`bundle::UnknownMethod`], which lists the known names.
pub(crate) fn method(name: &str) -> Result<Method, bundle::UnknownMethod> {
    match name {
        "CustomResNet" => Ok(Method::Baseline),
        "MC_Dropout_model" => Ok(Method::McDropout),
        "EnsembleModel_ResNet" => Ok(Method::Ensemble),
        "TTA_model" => Ok(Method::Tta),
        ours => ours.parse(),
    }
}
