//! What a worker is given and gives back, and what all workers share.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::images::JobImages;
use crate::{
    EngineError,
    admission::Backlog,
    method::HeadCall,
    queue::{Queue, ReplySender},
    session::BatchSizes,
};
use imaging::Limits;

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
