//! Which way of training a command line asks for.

use std::path::PathBuf;

use clap::Args;

use crate::{Preset, RecipeArgs, TrainingError, finetune::FineTuneRecipe, workspace::read_json};

/// Whether the trunk is fine-tuned, and how.
#[derive(Clone, Debug, Args)]
pub struct TuningArgs {
    /// Leave the trunk as it is: heads on its features, as `train` makes them; always so with --preset paper
    #[arg(long)]
    pub frozen_trunk: bool,
    /// Blocks of the trunk, of 16, that are not fine-tuned; with 0 the stem is fine-tuned too
    #[arg(long, value_name = "N")]
    pub frozen_blocks: Option<usize>,
    /// Settings of the fine-tuning as JSON, as the `recipe.json` of an earlier run has them
    #[arg(long, value_name = "FILE")]
    pub fine_tune_recipe: Option<PathBuf>,
    /// How test-time augmentation makes its views: cells, dihedral, paper, or a TOML file; cells for a fine-tuned trunk,
    /// paper for one that stays as it is
    #[arg(long, value_name = "NAME|FILE")]
    pub policy: Option<String>,
}

impl TuningArgs {
    /// The recipe of the fine-tuning, with what the other options change of it; none when the trunk stays as it is.
    ///
    /// # Errors
    /// A recipe file that cannot be read.
    pub fn recipe(
        &self,
        heads: &RecipeArgs,
        size: Option<u32>,
    ) -> Result<Option<FineTuneRecipe>, TrainingError> {
        if self.frozen_trunk || heads.preset == Preset::Paper {
            return Ok(None);
        }
        let mut recipe: FineTuneRecipe = match &self.fine_tune_recipe {
            Some(path) => read_json(path)?,
            None => FineTuneRecipe::default(),
        };
        recipe.size = size.unwrap_or(recipe.size);
        recipe.frozen_blocks = self.frozen_blocks.unwrap_or(recipe.frozen_blocks);
        recipe.epochs = heads.num_epochs.unwrap_or(recipe.epochs);
        recipe.batch = heads.batch_size.unwrap_or(recipe.batch);
        recipe.optimiser.trunk_rate = heads.lr.unwrap_or(recipe.optimiser.trunk_rate);
        recipe.heads.members = heads.members.unwrap_or(recipe.heads.members);
        let loss = heads.multi_head_loss;
        recipe.heads.multi_head_loss = loss.unwrap_or(recipe.heads.multi_head_loss);
        Ok(Some(recipe))
    }

    /// The name of the policy of test-time augmentation.
    pub fn policy(&self, fine_tuned: bool) -> &str {
        let usual = if fine_tuned { "cells" } else { "paper" };
        self.policy.as_deref().unwrap_or(usual)
    }
}
