//! The queue between requests and workers. It has two lanes, so that bulk work does not delay
//! single uploads.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// Priority of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// A person waits for the answer.
    #[default]
    Interactive,
    /// A program processes many cells.
    Bulk,
}

/// While both lanes have work, one bulk job is taken after this many interactive jobs, so that bulk
/// work progresses.
const INTERACTIVE_BEFORE_BULK: usize = 8;

/// The queue is closed: the engine is shutting down.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Closed;

/// The jobs that a worker takes at a time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TakenJobs<Job> {
    /// At least one job, all from one lane.
    pub(crate) jobs: Vec<Job>,
    /// Whether no other job waits and no other worker is busy, so that all cores are free for these
    /// jobs.
    pub(crate) alone: bool,
}

/// Jobs with their cost (images × trunk passes), first in, first out in each lane. Pushing never
/// blocks; popping does.
///
/// Worker 0 is woken first, because it has sessions for all cores.
pub(crate) struct Queue<Job> {
    state: Mutex<QueueState<Job>>,
    for_first: Condvar,
    for_others: Condvar,
    workers: usize,
}

struct QueueState<Job> {
    interactive: VecDeque<(usize, Job)>,
    bulk: VecDeque<(usize, Job)>,
    /// Number of interactive jobs taken since the last bulk job.
    since_bulk: usize,
    first_is_idle: bool,
    others_idle: usize,
    closed: bool,
}

impl<Job> Queue<Job> {
    /// A queue for a fixed number of workers.
    pub(crate) fn new(workers: usize) -> Self {
        let state = QueueState {
            interactive: VecDeque::new(),
            bulk: VecDeque::new(),
            since_bulk: 0,
            first_is_idle: false,
            others_idle: 0,
            closed: false,
        };
        Self {
            state: Mutex::new(state),
            for_first: Condvar::new(),
            for_others: Condvar::new(),
            workers: workers.max(1),
        }
    }

    /// Adds a job to the end of its lane.
    pub(crate) fn push(&self, job: Job, cost: usize, priority: Priority) -> Result<(), Closed> {
        let mut state = self.lock();
        if state.closed {
            return Err(Closed);
        }
        state.lane(priority).push_back((cost, job));
        self.wake_one(&state);
        Ok(())
    }

    /// Waits for work, then takes a fair share of a lane: at least one job, with a total cost of at
    /// most `most`, leaving as many jobs for each of the other workers. `None` if the queue is
    /// closed and empty.
    pub(crate) fn pop_share(&self, worker: usize, most: usize) -> Option<TakenJobs<Job>> {
        let mut state = self.lock();
        while state.is_empty() {
            if state.closed {
                return None;
            }
            state = self.wait(state, worker);
        }
        let lane = state.next_lane();
        let jobs = state.take(lane, self.workers, most);
        let alone = state.is_empty() && state.idle() + 1 == self.workers;
        if !state.is_empty() {
            self.wake_one(&state);
        }
        Some(TakenJobs { jobs, alone })
    }

    /// Refuses new jobs. Waiting jobs are still handed out.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.for_first.notify_all();
        self.for_others.notify_all();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// The total cost of all waiting jobs.
    pub(crate) fn waiting_cost(&self) -> usize {
        let state = self.lock();
        let lanes = state.interactive.iter().chain(&state.bulk);
        lanes.map(|(cost, _)| cost).sum()
    }

    fn wake_one(&self, state: &QueueState<Job>) {
        if state.first_is_idle {
            self.for_first.notify_one();
        } else {
            self.for_others.notify_one();
        }
    }

    fn wait<'lock>(
        &self,
        mut state: MutexGuard<'lock, QueueState<Job>>,
        worker: usize,
    ) -> MutexGuard<'lock, QueueState<Job>> {
        if worker == 0 {
            state.first_is_idle = true;
            state = unpoisoned(self.for_first.wait(state));
            state.first_is_idle = false;
        } else {
            state.others_idle += 1;
            state = unpoisoned(self.for_others.wait(state));
            state.others_idle -= 1;
        }
        state
    }

    /// No code under the lock panics, so a poisoned lock is still consistent.
    fn lock(&self) -> MutexGuard<'_, QueueState<Job>> {
        unpoisoned(self.state.lock())
    }
}

fn unpoisoned<Guard>(locked: Result<Guard, PoisonError<Guard>>) -> Guard {
    locked.unwrap_or_else(PoisonError::into_inner)
}

impl<Job> QueueState<Job> {
    fn is_empty(&self) -> bool {
        self.interactive.is_empty() && self.bulk.is_empty()
    }

    fn idle(&self) -> usize {
        self.others_idle + usize::from(self.first_is_idle)
    }

    fn lane(&mut self, priority: Priority) -> &mut VecDeque<(usize, Job)> {
        match priority {
            Priority::Interactive => &mut self.interactive,
            Priority::Bulk => &mut self.bulk,
        }
    }

    fn next_lane(&mut self) -> Priority {
        let bulk_has_waited_enough = self.since_bulk >= INTERACTIVE_BEFORE_BULK;
        let is_bulks_turn = self.interactive.is_empty() || bulk_has_waited_enough;
        if is_bulks_turn && !self.bulk.is_empty() {
            self.since_bulk = 0;
            return Priority::Bulk;
        }
        if !self.bulk.is_empty() {
            self.since_bulk += 1;
        }
        Priority::Interactive
    }

    fn take(&mut self, priority: Priority, workers: usize, most: usize) -> Vec<Job> {
        let lane = self.lane(priority);
        let fair = lane.len().div_ceil(workers);
        let mut jobs = Vec::new();
        let mut taken = 0;
        while let Some((cost, job)) = lane.pop_front() {
            taken += cost;
            jobs.push(job);
            let next = lane.front().map_or(usize::MAX, |(cost, _)| *cost);
            if jobs.len() >= fair || taken.saturating_add(next) > most {
                break;
            }
        }
        jobs
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Closed,
        Priority::{Bulk, Interactive},
        Queue,
    };

    fn jobs(queue: &Queue<&'static str>, most: usize) -> Option<Vec<&'static str>> {
        queue.pop_share(0, most).map(|share| share.jobs)
    }

    #[test]
    fn closed_queue_hands_out_waiting_jobs() {
        let queue = Queue::new(1);
        assert_eq!(queue.push("a", 1, Interactive), Ok(()));
        assert_eq!(queue.push("b", 2, Interactive), Ok(()));
        assert_eq!(queue.waiting_cost(), 3);
        queue.close();
        assert_eq!(queue.push("c", 1, Interactive), Err(Closed));
        assert_eq!(jobs(&queue, 8), Some(vec!["a", "b"]));
        assert_eq!(jobs(&queue, 8), None);
        assert_eq!(queue.waiting_cost(), 0);
    }

    #[test]
    fn worker_leaves_a_fair_share() {
        let queue = Queue::new(2);
        for job in ["a", "b", "c", "d", "e"] {
            assert_eq!(queue.push(job, 1, Interactive), Ok(()));
        }
        assert_eq!(jobs(&queue, 8), Some(vec!["a", "b", "c"]));
        assert_eq!(jobs(&queue, 1), Some(vec!["d"]));
    }

    #[test]
    fn uploads_overtake_bulk_work_in_turns() {
        let queue = Queue::new(1);
        for _ in 0..3 {
            assert_eq!(queue.push("bulk", 1, Bulk), Ok(()));
        }
        for _ in 0..20 {
            assert_eq!(queue.push("upload", 1, Interactive), Ok(()));
        }
        let taken: Vec<_> = (0..23).filter_map(|_| jobs(&queue, 1)).flatten().collect();
        let turns: Vec<_> = (0..23).filter(|turn| taken[*turn] == "bulk").collect();
        assert_eq!(turns, [8, 17, 22]);
    }

    #[test]
    fn job_is_alone_without_other_work() {
        let queue = Queue::new(1);
        assert_eq!(queue.push("a", 1, Interactive), Ok(()));
        assert_eq!(queue.push("b", 1, Interactive), Ok(()));
        let alone = |queue: &Queue<_>| queue.pop_share(0, 1).map(|share| share.alone);
        assert_eq!(alone(&queue), Some(false));
        assert_eq!(alone(&queue), Some(true));
        let of_two = Queue::new(2);
        assert_eq!(of_two.push("a", 1, Interactive), Ok(()));
        assert_eq!(alone(&of_two), Some(false), "the other worker is not idle");
    }
}
