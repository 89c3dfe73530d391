//! The backlog: admitted work that is not finished, whether more fits, and how fast it drains. It
//! determines `Retry-After` and whether a deadline can be met.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{EngineError, Priority};

/// A deadline must allow for the estimated wait plus one part in this many. The estimate is a mean,
/// and an answer that comes too late costs as much as one in time.
const CAUTION: u32 = 2;

/// Shortest and longest `Retry-After`, in whole seconds as the header requires.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Weight of the newest value in the moving mean.
const NEWEST: f64 = 0.1;

/// Admitted work that is not finished, in images × trunk passes.
pub(crate) struct Backlog {
    admitted: Mutex<Admitted>,
    /// Most admitted work. A larger single request is admitted only if there is no other work.
    capacity: usize,
    /// Longest wait of an interactive request without a deadline.
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

    /// The work that is answered before a new request. Interactive requests overtake bulk work.
    fn before(&self, priority: Priority) -> usize {
        match priority {
            Priority::Interactive => self.interactive,
            Priority::Bulk => self.interactive + self.bulk,
        }
    }
}

/// The load of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLoad {
    /// Images × trunk passes.
    pub(crate) cost: usize,
    pub(crate) priority: Priority,
    /// The client's deadline, if there is one.
    pub(crate) deadline: Option<Instant>,
}

/// A request's share of the backlog. Dropping it releases the share.
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

    /// Whether the load would be admitted now.
    pub(crate) fn check(&self, load: RequestLoad) -> Result<(), EngineError> {
        self.check_against(&self.lock(), load)
    }

    /// Admits the load.
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

    /// When all admitted work will be done, 1 to 60 s.
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

    /// No code under the lock panics, so a poisoned lock is still consistent.
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

/// Moving mean of the seconds per image through the trunk, with all workers together.
#[derive(Default)]
pub(crate) struct DrainRate {
    seconds_per_image: MovingMean,
}

impl DrainRate {
    /// Records that `images` took `elapsed`, while `sharing` such batches can run at the same time.
    pub(crate) fn record(&self, images: usize, elapsed: Duration, sharing: usize) {
        let shares = (images.max(1) * sharing.max(1)) as f64;
        self.seconds_per_image
            .record(elapsed.as_secs_f64() / shares);
    }

    /// Estimated duration for `images`; zero before the first measurement.
    pub(crate) fn time_for(&self, images: usize) -> Duration {
        let seconds = self.seconds_per_image.get().unwrap_or(0.0) * images as f64;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    /// `Retry-After` for a client that is refused behind `waiting` images.
    pub(crate) fn retry_after(&self, waiting: usize) -> Duration {
        let seconds = self.time_for(waiting).as_secs_f64().ceil();
        Duration::try_from_secs_f64(seconds)
            .unwrap_or(LONGEST)
            .clamp(SHORTEST, LONGEST)
    }
}

/// Exponential moving mean of positive numbers.
#[derive(Default)]
pub(crate) struct MovingMean {
    /// Bits of an f64; 0 before the first value.
    mean: AtomicU64,
}

impl MovingMean {
    /// Records a value. Values that are lost between two threads do no harm.
    pub(crate) fn record(&self, newest: f64) {
        let mean = self
            .get()
            .map_or(newest, |before| before + NEWEST * (newest - before));
        self.mean.store(mean.to_bits(), Ordering::Relaxed);
    }

    /// The mean; `None` before the first value.
    pub(crate) fn get(&self) -> Option<f64> {
        let mean = f64::from_bits(self.mean.load(Ordering::Relaxed));
        (mean > 0.0).then_some(mean)
    }
}
