//! A running mean that forgets, shared between threads.

use std::sync::atomic::{AtomicU64, Ordering};

/// Weight of the newest value.
const NEWEST: f64 = 0.1;

/// Exponential moving mean of numbers above zero.
#[derive(Default)]
pub(super) struct MovingMean {
    /// Bits of an f64; 0 until there was a value.
    mean: AtomicU64,
}

impl MovingMean {
    /// Takes a value in. One that is lost between two threads does no harm.
    pub(super) fn record(&self, newest: f64) {
        let mean = self
            .get()
            .map_or(newest, |before| before + NEWEST * (newest - before));
        self.mean.store(mean.to_bits(), Ordering::Relaxed);
    }

    /// The mean; `None` before the first value.
    pub(super) fn get(&self) -> Option<f64> {
        let mean = f64::from_bits(self.mean.load(Ordering::Relaxed));
        (mean > 0.0).then_some(mean)
    }
}

#[cfg(test)]
mod tests {
    use super::MovingMean;

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
