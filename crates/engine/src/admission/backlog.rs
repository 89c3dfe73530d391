//! What the engine has taken on and not finished, and whether it can take more.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::rates::DrainRate;
use crate::{EngineError, Priority};

/// The wait may be longer than estimated by one part in so many before an answer comes too late: the mean rate says nothing of a
/// second in which the machine has other work as well, and an answer that is too late costs as much as one in time.
const CAUTION: u32 = 2;

/// Admitted work that is not done, in images × trunk passes.
pub(crate) struct Backlog {
    admitted: Mutex<Admitted>,
    /// Most work at a time, but for a single request that alone is larger and finds nothing before it.
    capacity: usize,
    /// Longest time that an interactive request without a deadline of its own may have to wait for its turn.
    max_wait: Duration,
    pub(crate) drain_rate: DrainRate,
}

#[derive(Default)]
struct Admitted {
    interactive: usize,
    bulk: usize,
}

impl Admitted {
    fn of(&mut self, priority: Priority) -> &mut usize {
        match priority {
            Priority::Interactive => &mut self.interactive,
            Priority::Bulk => &mut self.bulk,
        }
    }

    /// What is answered before a new request: bulk work stands aside for an upload.
    fn before(&self, priority: Priority) -> usize {
        match priority {
            Priority::Interactive => self.interactive,
            Priority::Bulk => self.interactive + self.bulk,
        }
    }
}

/// What a request takes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLoad {
    /// Images × trunk passes.
    pub(crate) cost: usize,
    pub(crate) priority: Priority,
    /// When the client stops waiting, if it said so.
    pub(crate) deadline: Option<Instant>,
}

/// A request's place in the backlog, until it is dropped.
pub(crate) struct Admission {
    backlog: Arc<Backlog>,
    priority: Priority,
    cost: usize,
}

impl Backlog {
    pub(crate) fn new(capacity: usize, max_wait: Duration) -> Arc<Self> {
        Arc::new(Self {
            admitted: Mutex::default(),
            capacity,
            max_wait,
            drain_rate: DrainRate::default(),
        })
    }

    /// Whether the load would be taken on now.
    pub(crate) fn check(&self, load: RequestLoad) -> Result<(), EngineError> {
        self.check_against(&self.lock(), load)
    }

    /// Takes the load on.
    pub(crate) fn admit(self: &Arc<Self>, load: RequestLoad) -> Result<Admission, EngineError> {
        let mut admitted = self.lock();
        self.check_against(&admitted, load)?;
        *admitted.of(load.priority) += load.cost;
        drop(admitted);
        Ok(Admission {
            backlog: Arc::clone(self),
            priority: load.priority,
            cost: load.cost,
        })
    }

    /// When all that is admitted now will be done.
    pub(crate) fn retry_after(&self) -> Duration {
        let before = self.lock().before(Priority::Bulk);
        self.drain_rate.retry_after(before)
    }

    fn check_against(&self, admitted: &Admitted, load: RequestLoad) -> Result<(), EngineError> {
        let everything = admitted.interactive + admitted.bulk;
        let before = admitted.before(load.priority);
        let wait = self.drain_rate.time_for(before);
        let no_room = everything > 0 && everything.saturating_add(load.cost) > self.capacity;
        let is_impatient = load.priority == Priority::Interactive && load.deadline.is_none();
        let too_long = is_impatient && wait > self.max_wait;
        if no_room || too_long {
            let retry_after = self.drain_rate.retry_after(before);
            return Err(EngineError::QueueFull { retry_after });
        }
        let Some(deadline) = load.deadline else {
            return Ok(());
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let needed = self.drain_rate.time_for(load.cost);
        if needed > left {
            return Err(EngineError::DeadlineTooShort { needed });
        }
        let cautious = wait.saturating_add(wait / CAUTION);
        if cautious.saturating_add(needed) > left {
            let retry_after = self.drain_rate.retry_after(before);
            return Err(EngineError::NotInTime { retry_after });
        }
        Ok(())
    }

    /// No step under the lock panics.
    fn lock(&self) -> MutexGuard<'_, Admitted> {
        self.admitted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut admitted = self.backlog.lock();
        let mine = admitted.of(self.priority);
        *mine = mine.saturating_sub(self.cost);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn load(cost: usize, priority: Priority) -> RequestLoad {
        RequestLoad {
            cost,
            priority,
            deadline: None,
        }
    }

    fn backlog() -> Arc<Backlog> {
        let backlog = Backlog::new(100, Duration::from_millis(500));
        backlog.drain_rate.record(1, Duration::from_millis(20), 2);
        backlog
    }

    #[test]
    fn a_full_backlog_refuses_until_work_is_done() {
        let backlog = backlog();
        let large = load(900, Priority::Bulk);
        let admission = backlog.admit(large).unwrap();
        let refusal = backlog.check(load(1, Priority::Bulk)).unwrap_err();
        let EngineError::QueueFull { retry_after } = refusal else {
            panic!("{refusal}");
        };
        assert_eq!(retry_after, Duration::from_secs(9), "900 images at 10 ms");
        assert_eq!(backlog.retry_after(), retry_after);
        drop(admission);
        assert!(backlog.check(large).is_ok(), "nothing is before it");
    }

    #[test]
    fn an_upload_is_refused_when_uploads_take_too_long_and_not_for_bulk_work_before_it() {
        let backlog = backlog();
        let bulk = backlog.admit(load(40, Priority::Bulk)).unwrap();
        let uploads = backlog.admit(load(51, Priority::Interactive)).unwrap();
        assert!(matches!(
            backlog.check(load(1, Priority::Interactive)),
            Err(EngineError::QueueFull { .. })
        ));
        assert!(backlog.check(load(1, Priority::Bulk)).is_ok());
        drop(uploads);
        assert!(backlog.check(load(1, Priority::Interactive)).is_ok());
        drop(bulk);
    }

    #[test]
    fn a_deadline_that_cannot_be_met_is_refused_at_once_and_one_that_can_be_met_is_worth_waiting_for()
     {
        let backlog = backlog();
        let before = backlog.admit(load(90, Priority::Interactive)).unwrap();
        let patient = RequestLoad {
            deadline: Some(Instant::now() + Duration::from_secs(60)),
            ..load(1, Priority::Interactive)
        };
        assert!(backlog.check(patient).is_ok());
        drop(before);
        let within = |milliseconds| RequestLoad {
            deadline: Some(Instant::now() + Duration::from_millis(milliseconds)),
            ..load(10, Priority::Interactive)
        };
        assert!(backlog.check(within(5_000)).is_ok());
        let refusal = backlog.check(within(50)).unwrap_err();
        let EngineError::DeadlineTooShort { needed } = refusal else {
            panic!("{refusal}");
        };
        assert_eq!(needed, Duration::from_millis(100), "however empty");
        let _before = backlog.admit(load(40, Priority::Interactive)).unwrap();
        assert!(backlog.check(within(5_000)).is_ok());
        for too_short in [450, 550] {
            let refusal = backlog.check(within(too_short)).unwrap_err();
            assert!(
                matches!(refusal, EngineError::NotInTime { .. }),
                "{refusal}"
            );
        }
    }

    #[test]
    fn nothing_is_refused_for_its_time_before_anything_was_measured() {
        let backlog = Backlog::new(100, Duration::ZERO);
        let soon = RequestLoad {
            deadline: Some(Instant::now()),
            ..load(50, Priority::Interactive)
        };
        assert!(backlog.check(soon).is_ok());
    }
}
