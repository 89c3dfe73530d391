//! A worker thread. It owns its sessions and takes jobs from the queue until the queue is closed
//! and empty.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use tracing::debug;

use super::subject::JobImages;
use crate::{
    EngineError, RunError,
    admission::Backlog,
    method::HeadCall,
    queue::{BatchRun, Queue, ReplySender},
    session::{BatchPart, BatchSizes, ReadyBundle, RunContext, scores_of_parts},
};
use imaging::Limits;

/// A job: images of one request for one bundle, and the calls for each.
pub(crate) struct Job {
    /// Index of the bundle.
    pub(crate) model: usize,
    pub(crate) images: JobImages,
    pub(crate) calls: Vec<HeadCall>,
    pub(crate) enqueued: Instant,
    /// The client's deadline.
    pub(crate) deadline: Option<Instant>,
    pub(crate) reply: ReplySender<Result<JobResults, EngineError>>,
}

/// The results of one or more jobs.
#[derive(Default)]
pub(crate) struct JobResults {
    /// For each call, the class scores `[images × samples, C]`.
    pub(crate) scores: Vec<Vec<f32>>,
    /// Statistics `[images, S]` of a middle layer of the trunk, row-major; empty if the trunk has
    /// none.
    pub(crate) statistics: Vec<f32>,
    /// Original size of the cell in pixels; `None` for views and tensors.
    pub(crate) size: Option<(u32, u32)>,
    /// Time in the queue.
    pub(crate) queue: Duration,
    /// Time to turn the batch's uploads into tensors.
    pub(crate) preparation: Duration,
    /// Time inside the runtime, for the whole batch.
    pub(crate) inference: Duration,
}

impl JobResults {
    /// Adds the results of further views. Times of work add up; times in the queue overlap.
    pub(crate) fn and(mut self, next: Self) -> Self {
        self.scores.extend(next.scores);
        self.preparation += next.preparation;
        self.queue = self.queue.max(next.queue);
        self.inference += next.inference;
        self
    }
}

/// The state that all workers share with the engine.
pub(crate) struct Shared {
    pub(crate) queue: Queue<Job>,
    pub(crate) backlog: Arc<Backlog>,
    pub(crate) limits: Limits,
    /// Number of workers.
    pub(crate) workers: usize,
    /// Numbers of images in one run of the trunk.
    pub(crate) batches: BatchSizes,
}

/// Starts a worker with its own sessions on every bundle.
pub(crate) fn start_worker(
    number: usize,
    shared: &Arc<Shared>,
    mut bundles: Vec<ReadyBundle>,
) -> Result<(), std::io::Error> {
    let shared = Arc::clone(shared);
    thread::Builder::new()
        .name(format!("worker-{number}"))
        .spawn(move || work(&shared, number, &mut bundles))?;
    Ok(())
}

/// Answers jobs until the queue is closed and empty.
fn work(shared: &Shared, number: usize, bundles: &mut [ReadyBundle]) {
    while let Some(taken) = shared.queue.pop_share(number, shared.batches.largest) {
        let mut jobs = taken.jobs;
        while let Some(model) = jobs.first().map(|job| job.model) {
            let (batch, others) = jobs.into_iter().partition(|job| job.model == model);
            jobs = others;
            match bundles.get_mut(model) {
                Some(bundle) => BatchRunner { shared, bundle }.answer_all(batch, taken.alone),
                None => refuse(batch),
            }
        }
    }
}

/// Answers jobs for an unknown bundle, which would be a bug.
fn refuse(batch: Vec<Job>) {
    for job in batch {
        job.reply.send(Err(RunError::WorkerGone.into()));
    }
}

/// Runs batches of jobs for one bundle.
struct BatchRunner<'work> {
    shared: &'work Shared,
    bundle: &'work mut ReadyBundle,
}

/// A job whose images are in the tensor, and the original size of its cell in pixels.
type PreparedJob = (Job, Option<(u32, u32)>);

impl BatchRunner<'_> {
    /// Answers all jobs. If a batch fails, each job is tried separately, so that a bad one does not
    /// affect the others.
    fn answer_all(&mut self, mut batch: Vec<Job>, alone: bool) {
        let started = Instant::now();
        batch.retain(|job| !job.reply.is_given_up());
        let batch = self.prepare(batch);
        if batch.is_empty() {
            return;
        }
        let preparation = started.elapsed();
        match guarded(|| Ok(self.run(&batch, alone)?)) {
            Ok(results) => {
                self.note(started, alone);
                for ((job, size), results) in batch.into_iter().zip(results) {
                    let queue = started.saturating_duration_since(job.enqueued);
                    job.reply.send(Ok(JobResults {
                        size,
                        queue,
                        preparation,
                        ..results
                    }));
                }
            }
            Err(_) if batch.len() > 1 => {
                for (job, _) in batch {
                    self.answer_all(vec![job], alone);
                }
            }
            Err(error) => {
                if let EngineError::Runtime(RunError::Runtime(source)) = &error {
                    debug!(%source, "ONNX Runtime failed");
                }
                if let Some((job, _)) = batch.into_iter().next() {
                    job.reply.send(Err(error));
                }
            }
        }
    }

    /// Fills the tensor and returns its jobs in order. The other jobs are answered with an error.
    fn prepare(&mut self, batch: Vec<Job>) -> Vec<PreparedJob> {
        self.bundle.images.truncate(0);
        let mut ready = Vec::with_capacity(batch.len());
        for job in batch {
            let is_late = |deadline| deadline <= Instant::now();
            if job.deadline.is_some_and(is_late) {
                job.reply.send(Err(EngineError::DeadlinePassed));
                continue;
            }
            let before = self.bundle.images.images();
            match guarded(|| self.push(&job.images)) {
                Ok(size) => ready.push((job, size)),
                Err(error) => {
                    // The next job must not get images that this one left.
                    self.bundle.images.truncate(before);
                    job.reply.send(Err(error));
                }
            }
        }
        ready
    }

    fn push(&mut self, job: &JobImages) -> Result<Option<(u32, u32)>, EngineError> {
        let ReadyBundle { sessions, images } = &mut *self.bundle;
        Ok(job.push_to(images, sessions.manifest(), &self.shared.limits)?)
    }

    /// Runs the batch. The results have no size, and no times except that inside the runtime.
    fn run(&mut self, batch: &[PreparedJob], alone: bool) -> Result<Vec<JobResults>, RunError> {
        let ReadyBundle { sessions, images } = &mut *self.bundle;
        let run = BatchRun::new(batch.len())?;
        for (job, _) in batch {
            job.reply.begin(&run);
        }
        let context = RunContext {
            options: run.options(),
            alone,
        };
        let started = Instant::now();
        images.pad_to(self.shared.batches.bucket(images.images()));
        let rows = sessions.rows(images, context)?;
        let parts = parts_of(batch);
        let scores = scores_of_parts(sessions, &parts, &rows, context)?;
        let inference = started.elapsed();
        let answered = parts.into_iter().zip(scores);
        let results = answered.map(|(part, scores)| JobResults {
            scores,
            statistics: rows.statistics_of(part.images),
            inference,
            ..JobResults::default()
        });
        Ok(results.collect())
    }

    /// Records the speed for the backlog: alone on all cores, or beside the other workers.
    fn note(&self, started: Instant, alone: bool) {
        let on_all_cores = alone && self.bundle.sessions.has_sessions_on_all_cores();
        let sharing = if on_all_cores { 1 } else { self.shared.workers };
        let images = self.bundle.images.images();
        let rate = &self.shared.backlog.drain_rate;
        rate.record(images, started.elapsed(), sharing);
    }
}

/// The range of each job's images in the tensor.
fn parts_of(batch: &[PreparedJob]) -> Vec<BatchPart<'_>> {
    let mut first = 0;
    let mut parts = Vec::with_capacity(batch.len());
    for (job, _) in batch {
        let images = first..first + job.images.count();
        first = images.end;
        parts.push(BatchPart {
            images,
            calls: &job.calls,
        });
    }
    parts
}

/// Turns a panic (in this project or in a library) into an error, so that the worker survives it.
fn guarded<T>(work: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(RunError::Panicked.into()))
}
