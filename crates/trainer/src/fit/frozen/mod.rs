//! Trains heads on the cached features of a frozen trunk.
//!
//! Input: features of every cell in the views that the heads are trained on, and a recipe. Output:
//! the heads of each method, one set per group of held-out folds.

pub(crate) mod batches;
pub(crate) mod cells;
pub(crate) mod fit;
pub(crate) mod head_fit;
pub(crate) mod presets;
pub(crate) mod recipe;

use std::{collections::BTreeMap, path::PathBuf};

use self::{cells::TrainingCells, fit::fit, presets::RecipeArgs, recipe::Recipe};
use super::{
    FoldModel,
    shared::{FitContext, weights::HeadWeights},
};
use crate::{
    TrainingError,
    cache_key::{CacheKey, KeptStep},
    data::{crop_table::require, part::HeldOutFolds},
    parallel, random,
    session::TrainingSession,
    study::Study,
    trunks::features::FeatureSet,
};
use bundle::Method;

/// The heads of a session with some recipe.
pub(crate) struct FrozenTraining<'a> {
    session: &'a TrainingSession,
    recipes: RecipeArgs,
}

impl<'a> FrozenTraining<'a> {
    /// Creates it without computing anything.
    pub(crate) fn new(session: &'a TrainingSession, recipes: RecipeArgs) -> Self {
        Self { session, recipes }
    }

    /// The methods with heads of their own.
    pub(crate) fn methods(&self) -> &'static [Method] {
        self.recipes.methods()
    }

    /// Features of every crop in the views for a method's heads; computes the missing ones.
    ///
    /// # Errors
    /// See [`TrainingSession::features_of`].
    pub(crate) fn features(&self, method: Method) -> Result<FeatureSet, TrainingError> {
        let views = self.recipes.training_views(method);
        let study = &self.session.study;
        self.session
            .features_of(&study.trunk, &study.every_row(), &views)
    }

    /// Trains the heads of a method for each of [the held-out folds](Study::held_out), in parallel.
    /// Heads that were trained before with the same cells, recipe and seed are kept.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] for a method without heads of its own.
    pub(crate) fn train(&self, method: Method, features: &FeatureSet) -> Result<(), TrainingError> {
        let study = &self.session.study;
        let recipe = self.recipes.recipe(method)?;
        let labels = study.labels(&study.every_row());
        let abnormal = study.grouping.abnormal_flags();
        parallel::map(&study.held_out(), |held_out| {
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
            let context = FitContext {
                seed: study.seed,
                purpose: &purpose,
                checkpoint: Some(&path.with_extension("checkpoint")),
                progress: &self.session.progress,
            };
            fit(&cells, &recipe, &context)?.write(&path)
        })?;
        Ok(())
    }

    /// The model that [`Self::train`] made for some held-out folds.
    ///
    /// # Errors
    /// [`TrainingError::Missing`] if a method was not trained.
    pub(crate) fn model(&self, held_out: &HeldOutFolds) -> Result<FoldModel, TrainingError> {
        let study = &self.session.study;
        let mut heads = BTreeMap::new();
        for method in self.methods() {
            heads.insert(*method, self.heads(*method, held_out)?);
        }
        let dropping = self.recipes.recipe(Method::McDropout)?;
        Ok(FoldModel {
            held_out: held_out.clone(),
            trunk: study.trunk.clone(),
            fine_tuned: false,
            heads,
            masks: dropping.masks(study.trunk.dimension),
        })
    }

    /// The heads of one method, trained with some folds held out.
    ///
    /// # Errors
    /// [`TrainingError::Missing`] when the method was not trained.
    pub(crate) fn heads(
        &self,
        method: Method,
        held_out: &HeldOutFolds,
    ) -> Result<HeadWeights, TrainingError> {
        let study = &self.session.study;
        let recipe = self.recipes.recipe(method)?;
        let path = self.head_file(method, &recipe, held_out)?;
        let classes = study.grouping.classes();
        require(
            &path,
            &format!("train --method {method} --num-classes {classes}"),
        )?;
        HeadWeights::read(&path, recipe.shape(study.trunk.dimension, classes))
    }

    /// A file name with a digest of everything that the heads depend on.
    fn head_file(
        &self,
        method: Method,
        recipe: &Recipe,
        held_out: &HeldOutFolds,
    ) -> Result<PathBuf, TrainingError> {
        let study = &self.session.study;
        let rows = study.training_rows(held_out);
        let views = self.recipes.training_views(method);
        let features = study.features_digest(&study.every_row(), &views)?;
        let digest = CacheKey::of(&[KeptStep::Heads])
            .with("features", &features)
            .with("recipe", recipe)
            .with("seed", &study.seed)
            .with("abnormal", &study.grouping.abnormal_flags())
            .with("labels", &study.labels(&rows))
            .with("images", &study.images(&rows))
            .with("rows", &rows)
            .short()?;
        let classes = study.grouping.classes();
        let name = format!(
            "{method}_{classes}_classes_{}_{digest}.f32",
            held_out.file_name()
        );
        Ok(study.workspace.heads().join(name))
    }
}

/// Share of the training cells that decide when to stop, for recipes with early stopping.
const SHARE: f64 = 0.1;

/// Divides training rows into those to train on and those that decide when to stop: whole images,
/// about a tenth of the cells and at most half of the images. The paper stops by the fold that it
/// evaluates on.
fn hold_back(study: &Study, rows: &[usize], purpose: &str) -> (Vec<usize>, Vec<usize>) {
    let mut of_image: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, image) in rows.iter().zip(study.images(rows)) {
        of_image.entry(image).or_default().push(*row);
    }
    let images: Vec<Vec<usize>> = of_image.into_values().collect();
    let mut stream = random::stream(study.seed, &format!("{purpose}/cells to stop by"));
    let order = random::permutation(&mut stream, images.len());
    let wanted = rows.len() as f64 * SHARE;
    let mut held_back: Vec<usize> = Vec::new();
    for image in order.into_iter().take(images.len() / 2) {
        if held_back.len() as f64 >= wanted {
            break;
        }
        held_back.extend(images.get(image).into_iter().flatten());
    }
    held_back.sort_unstable();
    let learnt_from = |row: &usize| held_back.binary_search(row).is_err();
    (
        rows.iter().copied().filter(learnt_from).collect(),
        held_back,
    )
}
