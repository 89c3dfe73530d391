//! Which recipe a command line asks for.

use clap::{Args, ValueEnum};

use crate::{MultiHeadLoss, Recipe, TrainingError, ViewPlan};
use bundle::Method;
use imaging::augment::AugmentPolicy;

/// Views of each cell that compact heads learn from: all eight of the square.
const COMPACT_VIEWS: usize = 8;

/// Whose sizes and settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// Small heads for a bundle that is served
    Compact,
    /// The paper's heads and training: D-1024-512-256-128-C, 50 heads, 50 copies, Adam, early stopping
    Paper,
}

/// The recipe and what of it is changed.
#[derive(Clone, Copy, Debug, Args)]
pub struct RecipeArgs {
    /// Sizes and settings of the heads and their training
    #[arg(long, value_enum, default_value = "compact")]
    pub preset: Preset,
    /// What several heads (or views, or passes of one head) minimise together; `individual` when not given
    #[arg(long, alias = "multi_head_loss", value_enum, value_name = "LOSS")]
    pub multi_head_loss: Option<MultiHeadLoss>,
    /// Passes over the cells, at most
    #[arg(long, alias = "num_epochs", value_name = "N")]
    pub num_epochs: Option<usize>,
    /// Cells per step
    #[arg(long, alias = "batch_size", value_name = "N")]
    pub batch_size: Option<usize>,
    /// Highest learning rate
    #[arg(long)]
    pub lr: Option<f64>,
    /// Heads of the ensemble
    #[arg(long, alias = "num_heads", value_name = "K")]
    pub members: Option<usize>,
    /// Views of test-time augmentation: in answers, and in training where it has a head of its own. `evaluate` looks at as
    /// many as the bundle does
    #[arg(long, default_value_t = 50, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub views: u16,
}

impl RecipeArgs {
    /// The recipe of a method's heads.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] for compact test-time augmentation, which uses the baseline's head, and for settings
    /// with which nothing can be trained.
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
        recipe.learning_rate = self.lr.unwrap_or(recipe.learning_rate);
        if method == Method::Ensemble {
            recipe.members = self.members.unwrap_or(recipe.members);
        }
        if !(recipe.learning_rate > 0.0 && recipe.learning_rate.is_finite()) {
            return Err(TrainingError::Impossible(
                "the learning rate must be positive: correct --lr".to_owned(),
            ));
        }
        recipe.check()?;
        Ok(recipe)
    }

    /// The methods with heads of their own.
    pub fn methods(&self) -> &'static [Method] {
        match self.preset {
            Preset::Compact => &[Method::Baseline, Method::McDropout, Method::Ensemble],
            Preset::Paper => &Method::ALL,
        }
    }

    /// The views of each cell that a method's heads learn from.
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

/// A method by our name or by the paper's class.
///
/// # Errors
/// A sentence with the names that there are.
pub(crate) fn method(name: &str) -> Result<Method, bundle::UnknownMethod> {
    match name {
        "CustomResNet" => Ok(Method::Baseline),
        "MC_Dropout_model" => Ok(Method::McDropout),
        "EnsembleModel_ResNet" => Ok(Method::Ensemble),
        "TTA_model" => Ok(Method::Tta),
        ours => ours.parse(),
    }
}
