//! Dropout masks, drawn from a request's seed by a named, portable generator.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

use bundle::Mask;

/// Words are drawn so many at a time: one by one they would cost as much as a tenth of the trunk.
const WORDS_AT_ONCE: usize = 256;

/// Draws a mask `[passes, width]` of zeros (dropped) and ones (kept), row-major.
///
/// The generator is ChaCha8; the key is `seed` in little-endian order followed by zeros, the stream is `stream`, the
/// mask's number. A unit is dropped when the next 32-bit word is below `drop_probability · 2³²`. Rows are drawn one
/// after the other, so that fewer passes are the first of more.
pub fn draw_mask(mask: &Mask, passes: usize, seed: u64, stream: u64) -> Vec<f32> {
    let mut units = vec![0.0; passes * mask.width];
    draw_into(&mut units, mask.drop_probability, seed, stream);
    units
}

fn draw_into(units: &mut [f32], drop_probability: f64, seed: u64, stream: u64) {
    let mut key = [0; 32];
    for (byte, value) in key.iter_mut().zip(seed.to_le_bytes()) {
        *byte = value;
    }
    let mut generator = ChaCha8Rng::from_seed(key);
    generator.set_stream(stream);
    // A float-to-integer cast saturates; probabilities were verified to lie in [0, 1).
    let threshold = (drop_probability * 2f64.powi(32)) as u32;
    let mut bytes = [0; 4 * WORDS_AT_ONCE];
    for units in units.chunks_mut(WORDS_AT_ONCE) {
        generator.fill_bytes(&mut bytes);
        let (words, _) = bytes.as_chunks();
        for (unit, word) in units.iter_mut().zip(words) {
            let is_kept = u32::from_le_bytes(*word) >= threshold;
            *unit = f32::from(u8::from(is_kept));
        }
    }
}

/// For each of `masks` one `[seeds, passes, width]`; the stream is its number, counted from 0.
pub fn draw_masks(masks: &[Mask], passes: usize, seeds: &[u64]) -> Vec<Vec<f32>> {
    let draw = |(stream, mask): (u64, &Mask)| {
        let of_one = passes * mask.width;
        let mut units = vec![0.0; seeds.len() * of_one];
        for (units, seed) in units.chunks_mut(of_one.max(1)).zip(seeds) {
            draw_into(units, mask.drop_probability, *seed, stream);
        }
        units
    };
    (0..).zip(masks).map(draw).collect()
}

#[cfg(test)]
mod tests {
    use rand_chacha::{
        ChaCha8Rng,
        rand_core::{RngCore, SeedableRng},
    };

    use super::{draw_mask, draw_masks};
    use bundle::Mask;

    fn mask(drop_probability: f64) -> Mask {
        Mask {
            input: "mask".to_owned(),
            width: 64,
            drop_probability,
        }
    }

    #[test]
    fn fewer_passes_are_the_first_of_more() {
        let many = draw_mask(&mask(0.5), 50, 7, 0);
        let few = draw_mask(&mask(0.5), 10, 7, 0);
        assert!(many.starts_with(&few));
        assert_ne!(few, draw_mask(&mask(0.5), 10, 8, 0));
        assert_ne!(few, draw_mask(&mask(0.5), 10, 7, 1));
    }

    #[test]
    fn masks_of_several_seeds_lie_one_after_the_other() {
        let masks = [mask(0.5), mask(0.25)];
        let drawn = draw_masks(&masks, 10, &[7, 8]);
        for (stream, (mask, units)) in (0..).zip(masks.iter().zip(&drawn)) {
            let one_by_one = [7, 8].map(|seed| draw_mask(mask, 10, seed, stream));
            assert_eq!(units, &one_by_one.concat());
        }
    }

    #[test]
    fn units_are_the_words_of_the_stream_one_after_the_other() {
        let mut key = [0; 32];
        key[0] = 7;
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(3);
        let mut word_by_word = || f32::from(u8::from(generator.next_u32() >= 1 << 30));
        let expected: Vec<f32> = (0..13 * 64).map(|_| word_by_word()).collect();
        assert_eq!(draw_mask(&mask(0.25), 13, 7, 3), expected);
    }

    #[test]
    fn units_are_dropped_as_often_as_the_manifest_says() {
        for probability in [0.0, 0.1, 0.5, 0.9] {
            let drawn = draw_mask(&mask(probability), 1000, 1, 0);
            let dropped =
                drawn.iter().filter(|unit| **unit == 0.0).count() as f64 / drawn.len() as f64;
            assert!(
                (dropped - probability).abs() < 0.01,
                "{dropped} instead of {probability}"
            );
        }
    }
}
