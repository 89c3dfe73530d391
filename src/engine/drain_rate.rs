//! How fast the queue drains, so that a refused client hears when to come back.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Weight of the newest measurement in the running mean.
const NEWEST: f64 = 0.2;
/// A refused client is asked to stay away for this long at least, and `LONGEST` at most.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Exponential moving mean of the seconds that one image through the trunk takes, all workers together.
#[derive(Default)]
pub(super) struct DrainRate {
    /// Bits of an f64; 0 until something was measured.
    seconds_per_image: AtomicU64,
}

impl DrainRate {
    /// Notes that one of `workers` took `elapsed` for `images`. Lost updates between workers do no harm.
    pub(super) fn record(&self, images: usize, elapsed: Duration, workers: usize) {
        let shares = (images.max(1) * workers.max(1)) as f64;
        let newest = elapsed.as_secs_f64() / shares;
        let before = self.seconds_per_image();
        let mean = if before == 0.0 {
            newest
        } else {
            before + NEWEST * (newest - before)
        };
        self.seconds_per_image
            .store(mean.to_bits(), Ordering::Relaxed);
    }

    /// How long `waiting` images will take.
    pub(super) fn time_for(&self, waiting: usize) -> Duration {
        let seconds = self.seconds_per_image() * waiting as f64;
        Duration::try_from_secs_f64(seconds)
            .unwrap_or(LONGEST)
            .clamp(SHORTEST, LONGEST)
    }

    fn seconds_per_image(&self) -> f64 {
        f64::from_bits(self.seconds_per_image.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::DrainRate;

    #[test]
    fn a_longer_queue_means_a_longer_wait() {
        let rate = DrainRate::default();
        assert_eq!(
            rate.time_for(1000),
            Duration::from_secs(1),
            "nothing measured yet"
        );
        rate.record(1, Duration::from_millis(20), 2);
        assert_eq!(rate.time_for(1000).as_secs(), 10);
        assert_eq!(rate.time_for(10), Duration::from_secs(1));
    }
}
