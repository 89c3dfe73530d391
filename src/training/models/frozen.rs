//! Heads on the cached features of a trunk that stays as it is.

use std::path::PathBuf;

use indicatif::ProgressBar;

use super::{FoldModel, HEAD_METHODS};
use crate::{
    bundle::{Method, sha256_hex},
    engine::Runtime,
    training::{
        FeatureSet, HeadWeights, Recipe, Study, TrainingCells, TrainingError, ViewPlan,
        dataset::crop_table::require, fit, parallel,
    },
};

/// Views of each cell that the heads learn from: all eight of the square.
const TRAINING_VIEWS: usize = 8;

/// A study with the features that its heads learn from.
pub struct FrozenTraining<'a> {
    study: &'a Study,
    /// Features of every crop; view 0 is the crop as it is.
    features: FeatureSet,
}

impl<'a> FrozenTraining<'a> {
    /// Computes the features that are missing.
    ///
    /// # Errors
    /// See [`Study::features_of`].
    pub fn open(
        study: &'a Study,
        runtime: &Runtime,
        progress: &ProgressBar,
    ) -> Result<Self, TrainingError> {
        let rows: Vec<usize> = (0..study.table.rows.len()).collect();
        let views = ViewPlan::Dihedral {
            count: TRAINING_VIEWS,
        };
        let features = study.features_of(runtime, &study.trunk, &rows, &views, progress)?;
        Ok(Self { study, features })
    }

    /// Trains the heads of a method for every held-out fold, side by side on the cores there are; what was trained
    /// before with the same cells, recipe and seed is kept.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] for a method without heads of its own.
    pub fn train(&self, method: Method, progress: &ProgressBar) -> Result<(), TrainingError> {
        let study = self.study;
        let recipe = Recipe::compact(method)?;
        let labels = study.labels(&(0..study.parts.len()).collect::<Vec<_>>());
        parallel::map(parallel::available_threads(), &study.folds(), |fold| {
            let path = self.head_file(method, &recipe, *fold);
            if path.is_file() {
                return Ok(());
            }
            let cells = TrainingCells {
                views: &self.features.views,
                rows: &study.training_rows(*fold),
                classes: &labels,
                class_count: study.grouping.classes(),
                validation: &[],
            };
            let purpose = format!("{method}/fold {fold} held out");
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
        })?;
        Ok(())
    }

    /// What [`Self::train`] made with a fold held out.
    ///
    /// # Errors
    /// [`TrainingError::Missing`] when a method was not trained.
    pub fn model(&self, held_out: usize) -> Result<FoldModel, TrainingError> {
        let read = |method: Method| Ok((method, self.heads(method, held_out)?));
        let heads: Result<_, TrainingError> = HEAD_METHODS.into_iter().map(read).collect();
        Ok(FoldModel {
            held_out,
            trunk: self.study.trunk.clone(),
            heads: heads?,
            masks: Recipe::compact(Method::McDropout)?.masks(self.study.trunk.dimension),
        })
    }

    fn heads(&self, method: Method, held_out: usize) -> Result<HeadWeights, TrainingError> {
        let recipe = Recipe::compact(method)?;
        let path = self.head_file(method, &recipe, held_out);
        let classes = self.study.grouping.classes();
        require(
            &path,
            &format!("train --method {method} --num-classes {classes}"),
        )?;
        HeadWeights::read(&path, recipe.shape(self.study.trunk.dimension, classes))
    }

    /// A name that changes with everything that the heads depend on.
    fn head_file(&self, method: Method, recipe: &Recipe, held_out: usize) -> PathBuf {
        let study = self.study;
        let rows = study.training_rows(held_out);
        let depends_on = format!(
            "{}|{recipe:?}|{}|{:?}|{rows:?}",
            self.features.digest,
            study.seed,
            study.labels(&rows)
        );
        let digest = sha256_hex(depends_on.as_bytes());
        let classes = study.grouping.classes();
        let name = format!(
            "{method}_{classes}_classes_without_fold_{held_out}_{}.f32",
            &digest[..16]
        );
        study.workspace.heads().join(name)
    }
}
