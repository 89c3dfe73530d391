//! A worker thread: it owns its sessions and takes jobs from the queue until the queue is closed and empty.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{
    RunError,
    drain_rate::DrainRate,
    queue::Queue,
    sessions::{HeadCall, Sessions},
};
use crate::imaging::InputTensor;

/// Images of one request for one bundle, and what is asked of each.
pub(super) struct Job {
    /// Index of the bundle.
    pub(super) model: usize,
    pub(super) images: InputTensor,
    pub(super) calls: Vec<HeadCall>,
    pub(super) enqueued: Instant,
    pub(super) reply: oneshot::Sender<Result<JobAnswer, RunError>>,
}

/// What a job comes to.
pub(super) struct JobAnswer {
    /// For each call the class scores `[images × samples, C]`.
    pub(super) scores: Vec<Vec<f32>>,
    /// Statistics `[images, S]` of a middle layer of the trunk, row-major; empty where the trunk has none.
    pub(super) statistics: Vec<f32>,
    /// Time spent waiting for the worker.
    pub(super) queue: Duration,
    /// Time spent inside the runtime, on the whole batch that this job was part of.
    pub(super) inference: Duration,
}

/// What every worker shares with the engine.
pub(super) struct Workplace {
    pub(super) queue: Queue<Job>,
    pub(super) drain_rate: DrainRate,
    /// Number of workers.
    pub(super) workers: usize,
    /// Largest number of images in one run of the trunk.
    pub(super) max_batch: usize,
}

/// Works until the queue is closed and empty. `models` holds the sessions of each bundle.
pub(super) fn work(place: &Arc<Workplace>, models: &mut [Sessions]) {
    while let Some(mut jobs) = place.queue.pop_share(place.workers, place.max_batch) {
        // Nobody waits for these any more: the client went away or its deadline passed.
        jobs.retain(|job| !job.reply.is_closed());
        while let Some(model) = jobs.first().map(|job| job.model) {
            let (batch, others) = jobs.into_iter().partition(|job| job.model == model);
            jobs = others;
            let started = Instant::now();
            let cost = answer_batch(models, batch, started);
            place
                .drain_rate
                .record(cost, started.elapsed(), place.workers);
        }
    }
}

/// Answers all jobs of a batch and returns their cost. When the batch fails, each job is tried by itself, so that one
/// that is bad does not take the others with it.
fn answer_batch(models: &mut [Sessions], batch: Vec<Job>, started: Instant) -> usize {
    let cost = batch.iter().map(|job| job.images.images()).sum();
    match run_guarded(models, &batch, started) {
        Ok(answers) => {
            for (job, answer) in batch.into_iter().zip(answers) {
                reply(job, Ok(answer));
            }
        }
        Err(_) if batch.len() > 1 => {
            for job in batch {
                let alone = run_guarded(models, std::slice::from_ref(&job), started);
                reply(
                    job,
                    alone
                        .and_then(|answers| answers.into_iter().next().ok_or(RunError::WorkerGone)),
                );
            }
        }
        Err(error) => {
            if let Some(job) = batch.into_iter().next() {
                reply(job, Err(error));
            }
        }
    }
    cost
}

/// The receiver may have gone while the batch ran; then nobody wants the answer.
fn reply(job: Job, answer: Result<JobAnswer, RunError>) {
    drop(job.reply.send(answer));
}

/// A panic (ours or of a library) costs the batch, not the worker.
fn run_guarded(
    models: &mut [Sessions],
    batch: &[Job],
    started: Instant,
) -> Result<Vec<JobAnswer>, RunError> {
    catch_unwind(AssertUnwindSafe(|| run(models, batch, started)))
        .unwrap_or(Err(RunError::Panicked))
}

fn run(
    models: &mut [Sessions],
    batch: &[Job],
    started: Instant,
) -> Result<Vec<JobAnswer>, RunError> {
    let model = batch.first().map_or(0, |job| job.model);
    let sessions = models.get_mut(model).ok_or(RunError::WorkerGone)?;
    let images: Vec<&InputTensor> = batch.iter().map(|job| &job.images).collect();
    let rows = sessions.rows(&images)?;
    let mut first = 0;
    let mut results = Vec::with_capacity(batch.len());
    for job in batch {
        let images = first..first + job.images.images();
        first = images.end;
        let calls = job.calls.iter();
        let scores = calls
            .map(|call| sessions.scores(call, &rows, images.clone()))
            .collect::<Result<Vec<_>, _>>()?;
        results.push((scores, rows.statistics_of(images)));
    }
    let inference = started.elapsed();
    let answers = batch.iter().zip(results);
    Ok(answers
        .map(|(job, (scores, statistics))| JobAnswer {
            scores,
            statistics,
            queue: started.saturating_duration_since(job.enqueued),
            inference,
        })
        .collect())
}
