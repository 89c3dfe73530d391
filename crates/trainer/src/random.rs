//! Random numbers of the trainer: one ChaCha8 stream per purpose.
//!
//! The key of a stream is the SHA-256 of the run's seed and the purpose's name. A choice therefore
//! does not depend on how many others were made before it, nor on the thread that makes it.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use sha2::{Digest, Sha256};

/// The stream for one purpose, such as `"ensemble/fold 2/initial weights"`.
pub(crate) fn stream(seed: u64, purpose: &str) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(key(seed, purpose))
}

fn key(seed: u64, purpose: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(seed.to_le_bytes());
    hasher.update(purpose.as_bytes());
    hasher.finalize().into()
}

/// A number below `bound` (at least 1), by multiplication and shift. The bias is below 2⁻³² ·
/// `bound`.
pub(crate) fn below(random: &mut impl RngCore, bound: usize) -> usize {
    let product = u128::from(random.next_u64()) * bound as u128;
    usize::try_from(product >> 64).unwrap_or(0)
}

/// Uniform in [0, 1) with 24 bits.
pub(crate) fn unit(random: &mut impl RngCore) -> f32 {
    (random.next_u32() >> 8) as f32 / 16_777_216.0
}

/// The numbers 0..`count` in random order (Fisher–Yates shuffle).
pub(crate) fn permutation(random: &mut impl RngCore, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, below(random, last + 1));
    }
    order
}

/// How often each of `count` items is drawn in `count` draws with replacement.
pub(crate) fn bootstrap_counts(random: &mut impl RngCore, count: usize) -> Vec<f32> {
    let mut counts = vec![0.0; count];
    for _ in 0..count {
        let drawn = below(random, count);
        if let Some(times) = counts.get_mut(drawn) {
            *times += 1.0;
        }
    }
    counts
}

/// `count` values that are 0 with probability `drop_probability` and `kept` otherwise.
pub(crate) fn dropout_mask(
    random: &mut impl RngCore,
    count: usize,
    drop_probability: f32,
    kept: f32,
) -> Vec<f32> {
    let draw = |_| match unit(random) < drop_probability {
        true => 0.0,
        false => kept,
    };
    (0..count).map(draw).collect()
}

/// `count` values uniform in [−`bound`, `bound`).
pub(crate) fn uniform(random: &mut impl RngCore, count: usize, bound: f32) -> Vec<f32> {
    let draw = |_| (2.0 * unit(random) - 1.0) * bound;
    (0..count).map(draw).collect()
}

/// `count` values of a normal distribution with mean 0 (Box and Muller, 1958; one value of each
/// pair is used).
pub(crate) fn normal(random: &mut impl RngCore, count: usize, deviation: f32) -> Vec<f32> {
    let draw = |_| {
        let length = (-2.0 * (1.0 - unit(random)).ln()).sqrt();
        deviation * length * (std::f32::consts::TAU * unit(random)).cos()
    };
    (0..count).map(draw).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_depends_on_seed_and_purpose() {
        let draw = |seed, purpose| stream(seed, purpose).next_u64();
        assert_eq!(draw(1, "masks"), draw(1, "masks"));
        assert_ne!(draw(1, "masks"), draw(2, "masks"));
        assert_ne!(draw(1, "masks"), draw(1, "weights"));
    }

    #[test]
    fn permutation_holds_each_number_once() {
        let mut order = permutation(&mut stream(3, "order"), 100);
        assert_ne!(order, (0..100).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn bootstrap_draws_as_many_as_items() {
        let counts = bootstrap_counts(&mut stream(3, "bootstrap"), 1000);
        assert_eq!(counts.iter().sum::<f32>(), 1000.0);
        let never = counts.iter().filter(|times| **times == 0.0).count();
        assert!(
            (300..440).contains(&never),
            "about 1/e of the items are never drawn, here {never}"
        );
    }

    #[test]
    fn mask_drops_share_and_scales_rest() {
        let mask = dropout_mask(&mut stream(3, "mask"), 10_000, 0.3, 2.0);
        let dropped = mask.iter().filter(|value| **value == 0.0).count();
        assert!((2_800..3_200).contains(&dropped));
        assert!(mask.iter().all(|value| *value == 0.0 || *value == 2.0));
    }

    #[test]
    fn normal_values_have_mean_and_deviation() {
        let values = normal(&mut stream(3, "normal"), 10_000, 2.0);
        let mean = values.iter().sum::<f32>() / 10_000.0;
        let variance = values.iter().map(|value| value * value).sum::<f32>() / 10_000.0;
        assert!(mean.abs() < 0.06, "{mean}");
        assert!((variance - 4.0).abs() < 0.2, "{variance}");
        let beyond = values.iter().filter(|value| value.abs() > 3.92).count();
        assert!(
            (400..600).contains(&beyond),
            "5% lie beyond 1.96 σ: {beyond}"
        );
    }
}
