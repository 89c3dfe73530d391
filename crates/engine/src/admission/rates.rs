//! How fast the backlog drains: what a refused client hears, and whether a deadline can be met. The mean behind it forgets, and
//! threads share it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// A refused client is asked to stay away for this long at least, and `LONGEST` at most. Whole seconds, since that is what
/// `Retry-After` can say.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Running mean of the seconds that one image through the trunk takes, all workers together.
#[derive(Default)]
pub(crate) struct DrainRate {
    seconds_per_image: MovingMean,
}

impl DrainRate {
    /// Notes that `images` took `elapsed` while `sharing` such batches can run side by side.
    pub(crate) fn record(&self, images: usize, elapsed: Duration, sharing: usize) {
        let shares = (images.max(1) * sharing.max(1)) as f64;
        self.seconds_per_image
            .record(elapsed.as_secs_f64() / shares);
    }

    /// How long `images` will take; zero before anything was measured.
    pub(crate) fn time_for(&self, images: usize) -> Duration {
        let seconds = self.seconds_per_image.get().unwrap_or(0.0) * images as f64;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    /// When a client that was refused behind `waiting` images should come back.
    pub(crate) fn retry_after(&self, waiting: usize) -> Duration {
        let seconds = self.time_for(waiting).as_secs_f64().ceil();
        Duration::try_from_secs_f64(seconds)
            .unwrap_or(LONGEST)
            .clamp(SHORTEST, LONGEST)
    }
}

/// Weight of the newest value.
const NEWEST: f64 = 0.1;

/// Exponential moving mean of numbers above zero.
#[derive(Default)]
pub(crate) struct MovingMean {
    /// Bits of an f64; 0 until there was a value.
    mean: AtomicU64,
}

impl MovingMean {
    /// Takes a value in. One that is lost between two threads does no harm.
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{DrainRate, MovingMean};

    #[test]
    fn a_longer_queue_means_a_longer_wait() {
        let rate = DrainRate::default();
        assert_eq!(
            rate.retry_after(1000),
            Duration::from_secs(1),
            "nothing measured yet"
        );
        rate.record(1, Duration::from_millis(20), 2);
        assert_eq!(rate.time_for(10), Duration::from_millis(100));
        assert_eq!(rate.retry_after(10), Duration::from_secs(1));
        assert_eq!(rate.retry_after(1010), Duration::from_secs(11));
        assert_eq!(rate.retry_after(1_000_000), Duration::from_secs(60));
    }

    #[test]
    fn the_mean_starts_at_the_first_value_and_follows_the_later_ones() {
        let mean = MovingMean::default();
        assert_eq!(mean.get(), None);
        mean.record(2.0);
        assert_eq!(mean.get(), Some(2.0));
        (0..100).for_each(|_| mean.record(1.0));
        assert!(mean.get().is_some_and(|mean| (1.0..1.01).contains(&mean)));
    }
}
