//! The bounded queue between requests and workers.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// Why a job was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// As much work is waiting as the queue holds.
    Full,
    /// The engine is shutting down.
    Closed,
}

/// A first-in, first-out queue of jobs, each with a cost (images × trunk passes). The waiting cost stays at or below
/// `capacity`, but for a single job that alone is larger and finds the queue empty. Pushing never waits; popping does.
pub(super) struct Queue<Job> {
    state: Mutex<State<Job>>,
    arrived: Condvar,
    capacity: usize,
}

struct State<Job> {
    waiting: VecDeque<(usize, Job)>,
    cost: usize,
    closed: bool,
}

impl<Job> State<Job> {
    fn is_full_for(&self, cost: usize, capacity: usize) -> bool {
        !self.waiting.is_empty() && self.cost.saturating_add(cost) > capacity
    }
}

impl<Job> Queue<Job> {
    pub(super) fn new(capacity: usize) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            cost: 0,
            closed: false,
        };
        Self {
            state: Mutex::new(state),
            arrived: Condvar::new(),
            capacity,
        }
    }

    /// Adds a job to the end.
    pub(super) fn push(&self, job: Job, cost: usize) -> Result<(), Refused> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        if state.is_full_for(cost, self.capacity) {
            return Err(Refused::Full);
        }
        state.waiting.push_back((cost, job));
        state.cost += cost;
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits for work, then takes a fair share of what is waiting: at least one job, and then as many as fit into a cost
    /// of `most` without taking more than leaves as many for each of the other `workers`. `None` when the queue is
    /// closed and empty.
    pub(super) fn pop_share(&self, workers: usize, most: usize) -> Option<Vec<Job>> {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if state.closed {
                return None;
            }
            state = self
                .arrived
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let fair = state.waiting.len().div_ceil(workers.max(1));
        let mut share = Vec::new();
        let mut taken = 0;
        while let Some((cost, job)) = state.waiting.pop_front() {
            state.cost -= cost;
            taken += cost;
            share.push(job);
            let next = state.waiting.front().map_or(usize::MAX, |(cost, _)| *cost);
            if share.len() >= fair || taken.saturating_add(next) > most {
                break;
            }
        }
        Some(share)
    }

    /// Refuses new jobs; those that wait are still handed out.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    /// The cost of all waiting jobs together.
    pub(super) fn waiting_cost(&self) -> usize {
        self.lock().cost
    }

    /// What a job of this cost would hear now.
    pub(super) fn admits(&self, cost: usize) -> Result<(), Refused> {
        let state = self.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        if state.is_full_for(cost, self.capacity) {
            Err(Refused::Full)
        } else {
            Ok(())
        }
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
        let queue = Queue::new(3);
        assert_eq!(
            queue.push("large", 9),
            Ok(()),
            "a job larger than the queue is taken when nothing waits"
        );
        assert_eq!(queue.push("next", 1), Err(Refused::Full));
        assert_eq!(queue.pop_share(1, 8), Some(vec!["large"]));
        assert_eq!(queue.push("a", 1), Ok(()));
        assert_eq!(queue.push("b", 2), Ok(()));
        assert_eq!(queue.push("c", 1), Err(Refused::Full));
        queue.close();
        assert_eq!(queue.push("d", 1), Err(Refused::Closed));
        assert_eq!(queue.pop_share(1, 8), Some(vec!["a", "b"]));
        assert_eq!(queue.pop_share(1, 8), None);
        assert_eq!(queue.waiting_cost(), 0);
    }

    #[test]
    fn a_worker_leaves_a_fair_share_for_the_others() {
        let queue = Queue::new(8);
        for job in 0..5 {
            assert_eq!(queue.push(job, 1), Ok(()));
        }
        assert_eq!(queue.pop_share(2, 8), Some(vec![0, 1, 2]));
        assert_eq!(queue.pop_share(2, 1), Some(vec![3]));
        assert_eq!(queue.waiting_cost(), 1);
    }
}
