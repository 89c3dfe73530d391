//! Fine-tuning: trunk and all heads are trained together from pixels, one trunk per group of
//! held-out folds.
//!
//! Input: cells as places in images, a trunk as ONNX, a recipe and a seed. Output: the trunk with
//! its trained weights, and the heads' numbers. Each random stream is named after its purpose, so
//! that an interrupted run gives the same result when resumed, with any number of threads.
//!
//! ```text
//! pictures ─ augmentation ─▶ views [N, 3, H, W] ─ frozen blocks (ONNX Runtime) ─▶ maps
//! maps ─ trained blocks ─▶ features ─▶ heads ─▶ loss
//! ```

pub(crate) mod augmentation;
pub(crate) mod batches;
pub(crate) mod fit;
pub(crate) mod heads;
pub mod lite0;
pub(crate) mod loss;
pub(crate) mod model;
pub(crate) mod pictures;
pub(crate) mod recipe;
pub(crate) mod sampling;
pub(crate) mod teachers;

use std::path::{Path, PathBuf};

use prost::Message;

use self::{
    fit::{FineTuneRequest, FineTuned, fine_tune},
    pictures::sources,
    recipe::FineTuneRecipe,
    sampling::CellLabels,
    teachers::Teacher,
};
use super::{
    FoldModel,
    shared::{FitContext, weights::HeadWeights},
};
use crate::{
    TrainingError,
    cache_key::{CacheKey, KeptStep},
    data::{
        crop_table::require,
        part::{CellPart, HeldOutFolds},
    },
    error::impossible,
    session::TrainingSession,
    trunks::file::{TrunkFile, read_model},
    workspace::{read_bytes, write_bytes, write_json},
};
use bundle::{Method, sha256_hex};

/// The trunk's file. It is written last, so that its presence shows a complete training.
const TRUNK: &str = "trunk.onnx";

/// Trunk and heads of a session, fine-tuned with some recipe.
pub(crate) struct FineTuning<'a> {
    session: &'a TrainingSession,
    recipe: FineTuneRecipe,
}

impl<'a> FineTuning<'a> {
    /// Creates it without training anything.
    pub(crate) fn new(session: &'a TrainingSession, recipe: FineTuneRecipe) -> Self {
        Self { session, recipe }
    }

    /// Trains trunk and heads without some folds, and resumes an interrupted training. A model that
    /// was trained before with the same cells, recipe and seed is kept. Returns the mean loss of
    /// each epoch of this run.
    ///
    /// # Errors
    /// As [`fine_tune`], or if an image cannot be read.
    pub(crate) fn train(&self, held_out: &HeldOutFolds) -> Result<Vec<f32>, TrainingError> {
        let folder = self.folder(held_out)?;
        let trunk_file = folder.join(TRUNK);
        if trunk_file.is_file() {
            return Ok(Vec::new());
        }
        let teachers = self.teachers(held_out)?;
        let checkpoint = folder.join("checkpoint");
        let tuned = self.fine_tune(held_out, &teachers, &checkpoint)?;
        for (method, heads) in &tuned.heads {
            heads.write(&folder.join(format!("{method}.f32")))?;
        }
        write_json(&folder.join("recipe.json"), &self.recipe)?;
        write_bytes(&trunk_file, &tuned.trunk.encode_to_vec())?;
        std::fs::remove_file(&checkpoint).map_err(TrainingError::write(&checkpoint))?;
        Ok(tuned.losses)
    }

    /// The models that teach, each trained without one more fold where it is not there yet; none
    /// when the recipe has no teaching.
    fn teachers(&self, held_out: &HeldOutFolds) -> Result<Vec<Teacher>, TrainingError> {
        if self.recipe.teaching.is_none() {
            return Ok(Vec::new());
        }
        let untaught = Self {
            session: self.session,
            recipe: FineTuneRecipe {
                teaching: None,
                ..self.recipe.clone()
            },
        };
        let folds = self.session.study.folds().into_iter();
        let learnt = folds.filter(|fold| !held_out.hold(CellPart::Fold(*fold)));
        let mut teachers = Vec::new();
        for fold in learnt {
            let without = held_out.and(fold);
            untaught.train(&without)?;
            let mut model = untaught.model(&without)?;
            let head = model.heads.remove(&Method::Baseline);
            teachers.push(Teacher {
                trunk: read_model(&model.trunk.path)?,
                head: head.ok_or_else(|| impossible!("a teacher has no baseline head"))?,
            });
        }
        Ok(teachers)
    }

    fn fine_tune(
        &self,
        held_out: &HeldOutFolds,
        teachers: &[Teacher],
        checkpoint: &Path,
    ) -> Result<FineTuned, TrainingError> {
        let TrainingSession {
            study,
            runtime,
            progress,
            ..
        } = self.session;
        let rows = study.training_rows(held_out);
        let crops = study.workspace.crops();
        let request = FineTuneRequest {
            runtime,
            trunk: &read_model(&study.trunk.path)?,
            normalisation: &study.input.normalisation,
            sources: &sources(&crops, &study.cells(&rows), &study.table.settings)?,
            labels: CellLabels {
                classes: &study.labels(&rows),
                fields: &study.images(&rows),
                abnormal: &study.grouping.abnormal_flags(),
            },
            teachers,
        };
        let context = FitContext {
            seed: study.seed,
            purpose: &format!("finetune/{held_out} held out"),
            checkpoint: Some(checkpoint),
            progress,
        };
        fine_tune(&request, &self.recipe, &context)
    }

    /// The model that [`Self::train`] made for some held-out folds.
    ///
    /// # Errors
    /// [`TrainingError::Missing`] if it was not trained.
    pub(crate) fn model(&self, held_out: &HeldOutFolds) -> Result<FoldModel, TrainingError> {
        let folder = self.folder(held_out)?;
        let path = folder.join(TRUNK);
        require(&path, "finetune")?;
        let study = &self.session.study;
        let trunk = TrunkFile {
            sha256: sha256_hex(&read_bytes(&path)?),
            path,
            ..study.trunk.clone()
        };
        let plan = &self.recipe.heads;
        let shapes = plan.shapes(trunk.dimension, study.grouping.classes());
        let read = |(method, shape): (Method, _)| {
            let path = folder.join(format!("{method}.f32"));
            Ok((method, HeadWeights::read(&path, shape)?))
        };
        let heads: Result<_, TrainingError> = shapes.into_iter().map(read).collect();
        Ok(FoldModel {
            held_out: held_out.clone(),
            fine_tuned: true,
            heads: heads?,
            masks: vec![plan.feature_mask(trunk.dimension)],
            trunk,
        })
    }

    /// A folder whose name has a digest of everything that the training depends on.
    fn folder(&self, held_out: &HeldOutFolds) -> Result<PathBuf, TrainingError> {
        let study = &self.session.study;
        let rows = study.training_rows(held_out);
        let crops = rows.iter().map(|row| &study.table.rows[*row].sha256);
        let digest = CacheKey::of(&[KeptStep::FineTuning])
            .with("trunk", &study.trunk.sha256)
            .with("recipe", &self.recipe)
            .with("seed", &study.seed)
            .with("cut", &study.table.settings)
            .with("normalisation", &study.input.normalisation)
            .with("classes", &study.grouping.names())
            .with("abnormal", &study.grouping.abnormal_flags())
            .with("labels", &study.labels(&rows))
            .with("images", &study.images(&rows))
            .with("crops", &crops.collect::<Vec<_>>())
            .short()?;
        let name = format!("{}_{digest}", held_out.file_name());
        Ok(study.workspace.fine_tuned().join(name))
    }
}
