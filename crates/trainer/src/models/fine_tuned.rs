//! Trunk and heads trained together, a trunk of its own for all that is held out in turn.

use std::path::PathBuf;

use indicatif::ProgressBar;
use prost::Message;

use super::FoldModel;
use crate::{
    CropRow, HeadWeights, Study, TrainingError, TrunkFile,
    dataset::{crop_table::require, part::HeldOutFolds},
    finetune::{CellLabels, FineTuneRecipe, FineTuneRequest, FineTuned, fine_tune, sources},
    parallel,
    workspace::{read_bytes, write_bytes, write_json},
};
use bundle::{Method, onnx::ModelProto, sha256_hex};
use engine::Runtime;

/// A study whose trunk is fine-tuned after some recipe.
pub(crate) struct FineTuning<'a> {
    study: &'a Study,
    recipe: FineTuneRecipe,
}

impl<'a> FineTuning<'a> {
    /// Nothing is trained yet.
    pub(crate) fn new(study: &'a Study, recipe: FineTuneRecipe) -> Self {
        Self { study, recipe }
    }

    /// Trains trunk and heads with some folds held out, resumed where it was interrupted; what was trained before with the
    /// same cells, recipe and seed is kept. Returns the mean loss of each epoch that was run now.
    ///
    /// # Errors
    /// See [`fine_tune`]; an image that cannot be read.
    pub(crate) fn train(
        &self,
        runtime: &Runtime,
        held_out: &HeldOutFolds,
        progress: &ProgressBar,
    ) -> Result<Vec<f32>, TrainingError> {
        let folder = self.folder(held_out)?;
        let trunk_file = folder.join(TRUNK);
        if trunk_file.is_file() {
            return Ok(Vec::new());
        }
        let checkpoint = folder.join("checkpoint");
        let purpose = format!("finetune/{held_out} held out");
        let tuned = self.fine_tune(runtime, held_out, &purpose, &checkpoint, progress)?;
        for (method, heads) in &tuned.heads {
            heads.write(&folder.join(format!("{method}.f32")))?;
        }
        write_json(&folder.join("recipe.json"), &self.recipe)?;
        write_bytes(&trunk_file, &tuned.trunk.encode_to_vec())?;
        std::fs::remove_file(&checkpoint).map_err(TrainingError::write(&checkpoint))?;
        Ok(tuned.losses)
    }

    fn fine_tune(
        &self,
        runtime: &Runtime,
        held_out: &HeldOutFolds,
        purpose: &str,
        checkpoint: &std::path::Path,
        progress: &ProgressBar,
    ) -> Result<FineTuned, TrainingError> {
        let study = self.study;
        let rows = study.training_rows(held_out);
        let cells: Vec<CropRow> = rows
            .iter()
            .map(|row| study.table.rows[*row].clone())
            .collect();
        let path = &study.trunk.path;
        let trunk = ModelProto::decode(read_bytes(path)?.as_slice())
            .map_err(TrainingError::malformed(path))?;
        let request = FineTuneRequest {
            runtime,
            trunk: &trunk,
            normalisation: &study.input.normalisation,
            sources: &sources(&study.workspace.crops(), &cells, &study.table.settings)?,
            labels: CellLabels {
                classes: &study.labels(&rows),
                fields: &study.images(&rows),
                abnormal: &study.grouping.abnormal_flags(),
            },
            threads: parallel::available_threads(),
        };
        fine_tune(
            &request,
            &self.recipe,
            study.seed,
            purpose,
            Some(checkpoint),
            progress,
        )
    }

    /// What [`Self::train`] made with some folds held out.
    ///
    /// # Errors
    /// [`TrainingError::Missing`] before that.
    pub(crate) fn model(&self, held_out: &HeldOutFolds) -> Result<FoldModel, TrainingError> {
        let folder = self.folder(held_out)?;
        let path = folder.join(TRUNK);
        require(&path, "finetune")?;
        let study = self.study;
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

    /// A folder whose name changes with everything that the training depends on.
    fn folder(&self, held_out: &HeldOutFolds) -> Result<PathBuf, TrainingError> {
        let study = self.study;
        let rows = study.training_rows(held_out);
        let recipe = serde_json::to_string(&self.recipe)
            .map_err(TrainingError::malformed("the recipe of the fine-tuning"))?;
        let crops: Vec<&str> = rows
            .iter()
            .map(|row| study.table.rows[*row].sha256.as_str())
            .collect();
        let depends_on = format!(
            "{}|{}|{recipe}|{}|{:?}|{:?}|{:?}|{:?}|{:?}|{:?}|{crops:?}",
            env!("CARGO_PKG_VERSION"),
            study.trunk.sha256,
            study.seed,
            study.table.settings,
            study.input.normalisation,
            study.grouping.names(),
            study.grouping.abnormal_flags(),
            study.labels(&rows),
            study.images(&rows)
        );
        let digest = sha256_hex(depends_on.as_bytes());
        let name = format!("without_{}_{}", held_out.file_name(), &digest[..16]);
        Ok(study.workspace.fine_tuned().join(name))
    }
}

/// The trunk's file, written last: where it is, the training is whole.
const TRUNK: &str = "trunk.onnx";
