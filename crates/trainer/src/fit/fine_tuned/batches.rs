//! Makes the batches on a thread of its own: draws views and runs them through the frozen blocks
//! while the previous step trains. The content of a batch depends on its place in the run, not on
//! timing.

use std::{ops::Range, sync::mpsc::SyncSender};

use super::{
    lite0::{Frozen, MAP, frozen_part},
    pictures::CellSource,
    recipe::FineTuneRecipe,
    sampling::Sampler,
    teachers::Teachers,
};
use crate::{TrainingError, fit::shared::FitContext, trunks::OnnxGraph};
use bundle::onnx::ModelProto;
use engine::Runtime;
use imaging::Normalisation;

/// Largest number of batches made ahead.
pub(super) const AHEAD: usize = 2;

/// Name of the trunk's input.
pub(super) const IMAGE: &str = "image";

/// The cells of one step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MapBatch {
    /// The epoch, from 0.
    pub epoch: usize,
    /// The batch's place in its epoch, from 0.
    pub index: usize,
    /// The cells, by number.
    pub cells: Vec<usize>,
    /// Input of the trained part, `[N, C, h, w]`, row-major.
    pub maps: Vec<f32>,
    /// N, C, h, w.
    pub shape: [usize; 4],
    /// What the teachers say of each view, `[N, classes]`; empty without teachers.
    pub taught: Vec<f32>,
}

/// The source of batches.
#[derive(Clone, Copy)]
pub(super) struct BatchPlan<'a> {
    /// Places of the cells in their images.
    pub sources: &'a [CellSource],
    /// Selects the cells of an epoch.
    pub sampler: &'a Sampler,
    /// How a byte becomes a number.
    pub normalisation: &'a Normalisation,
    /// The settings.
    pub recipe: &'a FineTuneRecipe,
    /// Seed and name of the fit.
    pub context: FitContext<'a>,
}

impl BatchPlan<'_> {
    /// Steps of an epoch.
    pub(super) fn steps_per_epoch(&self) -> usize {
        let cells = self.sampler.cells_per_epoch();
        cells.div_ceil(self.recipe.batch.max(1))
    }

    /// The cells of each batch of an epoch. Batch sizes differ by one at most.
    fn epoch(&self, epoch: usize) -> Vec<Vec<usize>> {
        let mut stream = self.context.stream(&format!("order/{epoch}"));
        let order = self.sampler.epoch(&mut stream);
        let steps = self.steps_per_epoch();
        let bounds = |step: usize| step * order.len() / steps.max(1);
        let batch = |step: usize| order[bounds(step)..bounds(step + 1)].to_vec();
        (0..steps).map(batch).collect()
    }
}

/// Makes batches.
pub(super) struct MapBatches<'a> {
    plan: BatchPlan<'a>,
    frozen: Option<OnnxGraph>,
    teachers: Teachers,
}

impl<'a> MapBatches<'a> {
    /// Opens the frozen part of a trunk.
    ///
    /// # Errors
    /// If the trunk is not EfficientNet-Lite0, or the runtime refuses it.
    pub(super) fn open(
        plan: BatchPlan<'a>,
        runtime: &Runtime,
        trunk: &ModelProto,
        frozen: Frozen,
        teachers: Teachers,
    ) -> Result<Self, TrainingError> {
        let graph = frozen_part(trunk, frozen)?;
        let open = |model: ModelProto| OnnxGraph::of_model(runtime, &model, MAP);
        Ok(Self {
            plan,
            frozen: graph.map(open).transpose()?,
            teachers,
        })
    }

    /// Sends the batches of some epochs in order, until the end or until the receiver is gone.
    pub(super) fn send(
        mut self,
        epochs: Range<usize>,
        to: &SyncSender<Result<MapBatch, TrainingError>>,
    ) {
        for epoch in epochs {
            for (index, cells) in self.plan.epoch(epoch).into_iter().enumerate() {
                let batch = self.batch(epoch, index, cells);
                let failed = batch.is_err();
                if to.send(batch).is_err() || failed {
                    return;
                }
            }
        }
    }

    fn batch(
        &mut self,
        epoch: usize,
        index: usize,
        cells: Vec<usize>,
    ) -> Result<MapBatch, TrainingError> {
        let size = self.plan.recipe.size as usize;
        let images = self.images(epoch, index, &cells, size);
        let shape = [cells.len(), 3, size, size];
        let (shape, maps) = match &mut self.frozen {
            Some(frozen) => run(frozen, shape, &images)?,
            None => (shape, images),
        };
        let taught = self.teachers.answers(shape, &maps)?;
        Ok(MapBatch {
            taught,
            epoch,
            index,
            cells,
            maps,
            shape,
        })
    }

    /// A view of each cell, `[N, 3, size, size]`, specific to this place in the run.
    fn images(&self, epoch: usize, index: usize, cells: &[usize], size: usize) -> Vec<f32> {
        let BatchPlan {
            sources,
            normalisation,
            recipe,
            context,
            ..
        } = self.plan;
        let mut stream = context.stream(&format!("views/{epoch}/{index}"));
        let mut images = vec![0.0; cells.len() * 3 * size * size];
        let known = cells.iter().filter_map(|cell| sources.get(*cell));
        for (source, planes) in known.zip(images.chunks_exact_mut(3 * size * size)) {
            let view = recipe.augmentation.draw(&mut stream);
            view.render(source, size, normalisation, planes);
        }
        images
    }
}

fn run(
    frozen: &mut OnnxGraph,
    shape: [usize; 4],
    images: &[f32],
) -> Result<([usize; 4], Vec<f32>), TrainingError> {
    let sizes = shape.map(|size| i64::try_from(size).unwrap_or(i64::MAX));
    let (shape, maps) = frozen.run_with_shape(&[(IMAGE, sizes.to_vec(), images)])?;
    let sizes: Vec<usize> = shape
        .iter()
        .filter_map(|size| usize::try_from(*size).ok())
        .collect();
    let shape = <[usize; 4]>::try_from(sizes).map_err(|sizes| {
        TrainingError::Runtime(format!(
            "expected a map [N, C, h, w] from the frozen blocks, found {sizes:?}"
        ))
    })?;
    Ok((shape, maps))
}
