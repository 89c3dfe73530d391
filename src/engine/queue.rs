//! The bounded queue between requests and workers.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// Why a job was not taken; the job comes back with it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// As many jobs are waiting as the queue holds.
    Full,
    /// The engine is shutting down.
    Closed,
}

/// A first-in, first-out queue that never holds more than `capacity` jobs. Pushing never waits; popping does.
pub(super) struct Queue<Job> {
    state: Mutex<State<Job>>,
    arrived: Condvar,
    capacity: usize,
}

struct State<Job> {
    waiting: VecDeque<Job>,
    closed: bool,
}

impl<Job> Queue<Job> {
    pub(super) fn new(capacity: usize) -> Self {
        let state = State { waiting: VecDeque::new(), closed: false };
        Self { state: Mutex::new(state), arrived: Condvar::new(), capacity }
    }

    /// Adds a job to the end.
    pub(super) fn push(&self, job: Job) -> Result<(), Refused> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        if state.waiting.len() >= self.capacity {
            return Err(Refused::Full);
        }
        state.waiting.push_back(job);
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits for work, then takes a fair share of what is waiting: at least one job, at most `most`, and no more than
    /// leaves as much for each of the other `workers`. `None` when the queue is closed and empty.
    pub(super) fn pop_share(&self, workers: usize, most: usize) -> Option<Vec<Job>> {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if state.closed {
                return None;
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let fair = state.waiting.len().div_ceil(workers.max(1));
        let share = fair.clamp(1, most.max(1)).min(state.waiting.len());
        Some(state.waiting.drain(..share).collect())
    }

    /// Refuses new jobs; those that wait are still handed out.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    /// Number of jobs waiting.
    pub(super) fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// A worker that panicked while holding the lock cannot have left the queue half changed: no step in here panics.
    fn lock(&self) -> MutexGuard<'_, State<Job>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Queue, Refused};

    #[test]
    fn a_full_queue_refuses_and_a_closed_one_still_hands_out_what_waits() {
        let queue = Queue::new(2);
        assert_eq!(queue.push(1), Ok(()));
        assert_eq!(queue.push(2), Ok(()));
        assert_eq!(queue.push(3), Err(Refused::Full));
        queue.close();
        assert_eq!(queue.push(4), Err(Refused::Closed));
        assert_eq!(queue.pop_share(1, 8), Some(vec![1, 2]));
        assert_eq!(queue.pop_share(1, 8), None);
    }

    #[test]
    fn a_worker_leaves_a_fair_share_for_the_others() {
        let queue = Queue::new(8);
        for job in 0..5 {
            assert_eq!(queue.push(job), Ok(()));
        }
        assert_eq!(queue.pop_share(2, 8), Some(vec![0, 1, 2]));
        assert_eq!(queue.pop_share(2, 1), Some(vec![3]));
        assert_eq!(queue.len(), 1);
    }
}
