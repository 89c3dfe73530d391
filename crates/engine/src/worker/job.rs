//! What a worker is given and gives back, and what all workers share.

use std::{
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use super::subject::Subject;
use crate::{
    EngineError,
    admission::Backlog,
    method::{HeadCall, tta},
    queue::{Queue, ReplySender},
    session::BatchSizes,
};
use bundle::Manifest;
use imaging::{CellImage, ImageError, InputTensor, Limits, resize};

/// Images of one request for one bundle, and what is asked of each.
pub(crate) struct Job {
    /// Index of the bundle.
    pub(crate) model: usize,
    pub(crate) images: JobImages,
    pub(crate) calls: Vec<HeadCall>,
    pub(crate) enqueued: Instant,
    /// When nobody waits any more.
    pub(crate) deadline: Option<Instant>,
    pub(crate) reply: ReplySender<Result<JobResults, EngineError>>,
}

/// What a job's images are made of.
#[derive(Clone, Debug)]
pub(crate) enum JobImages {
    /// A cell as it came.
    Subject(Subject),
    /// A cell.
    Cell(Arc<CellImage>),
    /// Some of the augmented views of a cell.
    Views {
        /// The cell, or a smaller copy of it: see [`tta::source`].
        cell: Arc<CellImage>,
        /// Seed of the request.
        seed: u64,
        /// Which views, counted from 0.
        range: Range<usize>,
    },
}

impl JobImages {
    /// Images that go through the trunk.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Subject(_) | Self::Cell(_) => 1,
            Self::Views { range, .. } => range.len(),
        }
    }

    /// Appends the images to the tensor, on an error perhaps some of them. Returns the size in pixels of a cell as it came,
    /// before it was resized.
    pub(crate) fn push_to(
        &self,
        tensor: &mut InputTensor,
        manifest: &Manifest,
        limits: &Limits,
    ) -> Result<Option<(u32, u32)>, ImageError> {
        let input = &manifest.input;
        let mut push = |image: &CellImage| {
            let resized = resize(image, input.size, input.size, input.resize)?;
            tensor.push(&resized, &input.normalisation)?;
            Ok(Some((image.width(), image.height())))
        };
        match self {
            Self::Subject(Subject::Tensor(values)) => tensor.push_values(values).map(|()| None),
            Self::Subject(subject) => match subject.pixels(input, limits)? {
                Some(cell) => push(&cell),
                None => Ok(None),
            },
            Self::Cell(cell) => push(cell),
            Self::Views { cell, seed, range } => match &manifest.methods.tta {
                Some(tta) => {
                    tta::push_views(tensor, cell, tta, input, *seed, range.clone()).map(|()| None)
                }
                None => Ok(None),
            },
        }
    }
}

/// What a job comes to, or several together.
#[derive(Default)]
pub(crate) struct JobResults {
    /// For each call the class scores `[images × samples, C]`.
    pub(crate) scores: Vec<Vec<f32>>,
    /// Statistics `[images, S]` of a middle layer of the trunk, row-major; empty where the trunk has none.
    pub(crate) statistics: Vec<f32>,
    /// Size in pixels of the cell as it came; `None` for views and tensors.
    pub(crate) size: Option<(u32, u32)>,
    /// Time spent waiting for the worker.
    pub(crate) queue: Duration,
    /// Time spent on turning the batch's uploads into tensors.
    pub(crate) preparation: Duration,
    /// Time spent inside the runtime, on the whole batch that the job was part of.
    pub(crate) inference: Duration,
}

impl JobResults {
    /// Those of further views. Work adds up; waiting went on at the same time.
    pub(crate) fn and(mut self, next: Self) -> Self {
        self.scores.extend(next.scores);
        self.preparation += next.preparation;
        self.queue = self.queue.max(next.queue);
        self.inference += next.inference;
        self
    }
}

/// What every worker shares with the engine.
pub(crate) struct Shared {
    pub(crate) queue: Queue<Job>,
    pub(crate) backlog: Arc<Backlog>,
    pub(crate) limits: Limits,
    /// Number of workers.
    pub(crate) workers: usize,
    /// Numbers of images in one run of the trunk.
    pub(crate) batches: BatchSizes,
}
