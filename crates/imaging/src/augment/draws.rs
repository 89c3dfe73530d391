//! Reproducible random numbers, the same on every machine and in every version of this program.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// The draws of one view: ChaCha8 keyed by the seed, one stream per view.
pub(super) struct Draws(ChaCha8Rng);

impl Draws {
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream);
        Self(generator)
    }

    /// Uniform in [0, 1), in steps of 2⁻⁵³.
    pub(super) fn unit(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.0.next_u64() >> 11) as f64 * STEP
    }

    /// Uniform in [low, high).
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + self.unit() * (high - low)
    }

    /// Uniform among the whole numbers from `low` to `high`, both included.
    pub(super) fn integer(&mut self, low: i64, high: i64) -> i64 {
        let count = high - low + 1;
        // The product can round up to `count`.
        let step = (self.unit() * count as f64) as i64;
        low + step.min(count - 1)
    }

    /// Shuffles the items (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.integer(0, last as i64) as usize;
            items.swap(last, other);
        }
    }
}
