//! A worker thread: it owns its sessions and takes jobs from the queue until the queue is closed and empty.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    EngineError, RunError,
    backlog::Backlog,
    claim::{Reply, Run},
    heads::Ask,
    prepare::Source,
    queue::Queue,
    sessions::{HeadCall, Passage, Sessions},
};
use imaging::{InputTensor, Limits};

/// Images of one request for one bundle, and what is asked of each.
pub(super) struct Job {
    /// Index of the bundle.
    pub(super) model: usize,
    pub(super) source: Source,
    pub(super) calls: Vec<HeadCall>,
    /// Size in pixels of the cell as it came; known once the job is in the tensor.
    pub(super) size: Option<(u32, u32)>,
    pub(super) enqueued: Instant,
    /// When nobody waits any more.
    pub(super) deadline: Option<Instant>,
    pub(super) reply: Reply<Result<JobAnswer, EngineError>>,
}

/// What a job comes to.
pub(super) struct JobAnswer {
    /// For each call the class scores `[images × samples, C]`.
    pub(super) scores: Vec<Vec<f32>>,
    /// Statistics `[images, S]` of a middle layer of the trunk, row-major; empty where the trunk has none.
    pub(super) statistics: Vec<f32>,
    /// Size in pixels of the cell as it came; `None` for views and tensors.
    pub(super) size: Option<(u32, u32)>,
    /// Time spent waiting for the worker.
    pub(super) queue: Duration,
    /// Time spent on turning the batch's uploads into tensors.
    pub(super) preparation: Duration,
    /// Time spent inside the runtime, on the whole batch that this job was part of.
    pub(super) inference: Duration,
}

/// What every worker shares with the engine.
pub(super) struct Workplace {
    pub(super) queue: Queue<Job>,
    pub(super) backlog: Arc<Backlog>,
    pub(super) limits: Limits,
    /// Number of workers.
    pub(super) workers: usize,
    /// Numbers of images in one run of the trunk.
    pub(super) batches: Batches,
}

/// How many images go through the trunk at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batches {
    /// Fewer are filled up to so many.
    pub(super) smallest: usize,
    pub(super) largest: usize,
}

impl Batches {
    /// The size that a batch is filled up to: few different ones, each tried at the start.
    pub(super) fn bucket(self, images: usize) -> usize {
        let size = images.next_power_of_two().max(self.smallest);
        size.min(self.largest).max(images)
    }

    /// Every size that batches have.
    pub(super) fn buckets(self) -> impl Iterator<Item = usize> {
        let first = self.bucket(1);
        std::iter::successors(Some(first), move |size| {
            (*size < self.largest).then(|| self.bucket(size + 1))
        })
    }
}

/// The sessions of a bundle, and the tensor that its batches are made in, again and again.
pub(super) struct Station {
    pub(super) sessions: Sessions,
    pub(super) images: InputTensor,
}

/// Works until the queue is closed and empty. There is a station for each bundle.
pub(super) fn work(place: &Workplace, number: usize, stations: &mut [Station]) {
    while let Some(share) = place.queue.pop_share(number, place.batches.largest) {
        let mut jobs = share.jobs;
        while let Some(model) = jobs.first().map(|job| job.model) {
            let (batch, others) = jobs.into_iter().partition(|job| job.model == model);
            jobs = others;
            match stations.get_mut(model) {
                Some(station) => Shift { place, station }.answer_all(batch, share.alone),
                None => refuse(batch),
            }
        }
    }
}

/// Requests name bundles that are loaded, so this is a mistake of ours.
fn refuse(batch: Vec<Job>) {
    for job in batch {
        job.reply.send(Err(RunError::WorkerGone.into()));
    }
}

/// A worker at the station of one bundle.
struct Shift<'work> {
    place: &'work Workplace,
    station: &'work mut Station,
}

/// A batch that went through the trunk: how long it took, and the scores and statistics of each job.
struct Answered {
    jobs: Vec<(Vec<Vec<f32>>, Vec<f32>)>,
    inference: Duration,
}

impl Shift<'_> {
    /// Answers all jobs. When a batch fails, each job is tried by itself, so that one that is bad does not take the others
    /// with it.
    fn answer_all(&mut self, mut batch: Vec<Job>, alone: bool) {
        let started = Instant::now();
        batch.retain(|job| !job.reply.is_given_up());
        let batch = self.prepare(batch);
        if batch.is_empty() {
            return;
        }
        let preparation = started.elapsed();
        match guarded(|| Ok(self.run(&batch, alone)?)) {
            Ok(answered) => {
                self.note(started, alone);
                for (job, (scores, statistics)) in batch.into_iter().zip(answered.jobs) {
                    let answer = JobAnswer {
                        scores,
                        statistics,
                        size: job.size,
                        queue: started.saturating_duration_since(job.enqueued),
                        preparation,
                        inference: answered.inference,
                    };
                    job.reply.send(Ok(answer));
                }
            }
            Err(_) if batch.len() > 1 => {
                for job in batch {
                    self.answer_all(vec![job], alone);
                }
            }
            Err(error) => {
                if let Some(job) = batch.into_iter().next() {
                    job.reply.send(Err(error));
                }
            }
        }
    }

    /// Fills the tensor and returns the jobs that are in it, in order; the others are answered.
    fn prepare(&mut self, batch: Vec<Job>) -> Vec<Job> {
        self.station.images.truncate(0);
        let mut ready = Vec::with_capacity(batch.len());
        for mut job in batch {
            if job
                .deadline
                .is_some_and(|deadline| deadline <= Instant::now())
            {
                job.reply.send(Err(EngineError::DeadlinePassed));
                continue;
            }
            let before = self.station.images.images();
            match guarded(|| self.push(&job.source)) {
                Ok(size) => {
                    job.size = size;
                    ready.push(job);
                }
                Err(error) => {
                    // Whatever it left there would be taken for the next job's.
                    self.station.images.truncate(before);
                    job.reply.send(Err(error));
                }
            }
        }
        ready
    }

    fn push(&mut self, source: &Source) -> Result<Option<(u32, u32)>, EngineError> {
        let Station { sessions, images } = &mut *self.station;
        Ok(source.push_to(images, sessions.manifest(), &self.place.limits)?)
    }

    fn run(&mut self, batch: &[Job], alone: bool) -> Result<Answered, RunError> {
        let Station { sessions, images } = &mut *self.station;
        let run = Run::new(batch.len())?;
        for job in batch {
            job.reply.begin(&run);
        }
        let passage = Passage {
            options: run.options(),
            alone,
        };
        let started = Instant::now();
        images.pad_to(self.place.batches.bucket(images.images()));
        let rows = sessions.rows(images, passage)?;
        let mut first = 0;
        let mut asks = Vec::with_capacity(batch.len());
        for job in batch {
            let images = first..first + job.source.images();
            first = images.end;
            asks.push(Ask {
                images,
                calls: &job.calls,
            });
        }
        let scores = sessions.answer(&asks, &rows, passage)?;
        let statistics = asks.into_iter().map(|ask| rows.statistics_of(ask.images));
        let jobs = scores.into_iter().zip(statistics).collect();
        Ok(Answered {
            jobs,
            inference: started.elapsed(),
        })
    }

    /// Tells the backlog how fast work goes: alone on all cores, or beside the other workers.
    fn note(&self, started: Instant, alone: bool) {
        let on_all_cores = alone && self.station.sessions.has_sessions_on_all_cores();
        let sharing = if on_all_cores { 1 } else { self.place.workers };
        let images = self.station.images.images();
        let rate = &self.place.backlog.drain_rate;
        rate.record(images, started.elapsed(), sharing);
    }
}

/// A panic (ours or of a library) costs what was being done, not the worker.
fn guarded<T>(work: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(RunError::Panicked.into()))
}

#[cfg(test)]
mod tests {
    use super::Batches;

    #[test]
    fn batches_are_filled_up_to_powers_of_two() {
        let batches = Batches {
            smallest: 1,
            largest: 6,
        };
        let sizes: Vec<_> = (1..=9).map(|images| batches.bucket(images)).collect();
        assert_eq!(sizes, [1, 2, 4, 4, 6, 6, 7, 8, 9]);
        assert_eq!(batches.buckets().collect::<Vec<_>>(), [1, 2, 4, 6]);
    }

    #[test]
    fn batches_of_one_size_are_filled_up_to_it() {
        let batches = Batches {
            smallest: 8,
            largest: 8,
        };
        assert_eq!([1, 5, 8].map(|images| batches.bucket(images)), [8, 8, 8]);
        assert_eq!(batches.buckets().collect::<Vec<_>>(), [8]);
    }
}
