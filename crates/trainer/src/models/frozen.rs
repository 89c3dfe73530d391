//! Heads on the cached features of a trunk that stays as it is.

use std::path::PathBuf;

use indicatif::ProgressBar;

use super::{FoldModel, stopping::hold_back};
use crate::{
    FeatureSet, HeadWeights, Recipe, RecipeArgs, Study, TrainingCells, TrainingError,
    dataset::{crop_table::require, part::HeldOutFolds},
    fit, parallel,
};
use bundle::{Method, sha256_hex};
use engine::Runtime;

/// A study whose heads are trained after some recipe.
pub(crate) struct FrozenTraining<'a> {
    study: &'a Study,
    recipes: RecipeArgs,
}

impl<'a> FrozenTraining<'a> {
    /// Nothing is computed yet.
    pub(crate) fn new(study: &'a Study, recipes: RecipeArgs) -> Self {
        Self { study, recipes }
    }

    /// Features of every crop in the views that a method's heads learn from; what is missing is computed.
    ///
    /// # Errors
    /// See [`Study::features_of`].
    pub(crate) fn features(
        &self,
        runtime: &Runtime,
        method: Method,
        progress: &ProgressBar,
    ) -> Result<FeatureSet, TrainingError> {
        let views = self.recipes.training_views(method);
        let rows = self.every_row();
        self.study
            .features_of(runtime, &self.study.trunk, &rows, &views, progress)
    }

    /// Trains the heads of a method for all that is [held out](Study::held_out) in turn, side by side on the cores there are; what was trained
    /// before with the same cells, recipe and seed is kept.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] for a method without heads of its own.
    pub(crate) fn train(
        &self,
        method: Method,
        features: &FeatureSet,
        progress: &ProgressBar,
    ) -> Result<(), TrainingError> {
        let study = self.study;
        let recipe = self.recipes.recipe(method)?;
        let labels = study.labels(&self.every_row());
        let abnormal = study.grouping.abnormal_flags();
        parallel::map(
            parallel::available_threads(),
            &study.held_out(),
            |held_out| {
                let path = self.head_file(method, &recipe, held_out)?;
                if path.is_file() {
                    return Ok(());
                }
                let purpose = format!("{method}/{held_out} held out");
                let rows = study.training_rows(held_out);
                let (rows, validation) = match recipe.patience {
                    Some(_) => hold_back(study, &rows, &purpose),
                    None => (rows, Vec::new()),
                };
                let cells = TrainingCells {
                    views: &features.views,
                    rows: &rows,
                    validation: &validation,
                    classes: &labels,
                    abnormal: &abnormal,
                };
                let checkpoint = Some(path.with_extension("checkpoint"));
                let heads = fit(
                    &cells,
                    &recipe,
                    study.seed,
                    &purpose,
                    checkpoint.as_deref(),
                    progress,
                )?;
                heads.write(&path)
            },
        )?;
        Ok(())
    }

    /// What [`Self::train`] made with some folds held out.
    ///
    /// # Errors
    /// [`TrainingError::Missing`] when a method was not trained.
    pub(crate) fn model(&self, held_out: &HeldOutFolds) -> Result<FoldModel, TrainingError> {
        let read = |method: &Method| Ok((*method, self.heads(*method, held_out)?));
        let heads: Result<_, TrainingError> = self.recipes.methods().iter().map(read).collect();
        let dropping = self.recipes.recipe(Method::McDropout)?;
        Ok(FoldModel {
            held_out: held_out.clone(),
            trunk: self.study.trunk.clone(),
            fine_tuned: false,
            heads: heads?,
            masks: dropping.masks(self.study.trunk.dimension),
        })
    }

    fn heads(&self, method: Method, held_out: &HeldOutFolds) -> Result<HeadWeights, TrainingError> {
        let recipe = self.recipes.recipe(method)?;
        let path = self.head_file(method, &recipe, held_out)?;
        let classes = self.study.grouping.classes();
        require(
            &path,
            &format!("train --method {method} --num-classes {classes}"),
        )?;
        HeadWeights::read(&path, recipe.shape(self.study.trunk.dimension, classes))
    }

    /// A name that changes with everything that the heads depend on.
    fn head_file(
        &self,
        method: Method,
        recipe: &Recipe,
        held_out: &HeldOutFolds,
    ) -> Result<PathBuf, TrainingError> {
        let study = self.study;
        let rows = study.training_rows(held_out);
        let views = self.recipes.training_views(method);
        let features = study.digest_of(&study.trunk, &self.every_row(), &views)?;
        let depends_on = format!(
            "{features}|{recipe:?}|{}|{:?}|{:?}|{:?}|{rows:?}",
            study.seed,
            study.grouping.abnormal_flags(),
            study.labels(&rows),
            study.images(&rows)
        );
        let digest = sha256_hex(depends_on.as_bytes());
        let classes = study.grouping.classes();
        let name = format!(
            "{method}_{classes}_classes_without_{}_{}.f32",
            held_out.file_name(),
            &digest[..16]
        );
        Ok(study.workspace.heads().join(name))
    }

    fn every_row(&self) -> Vec<usize> {
        (0..self.study.table.rows.len()).collect()
    }
}
