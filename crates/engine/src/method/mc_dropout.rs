//! Monte Carlo dropout: T passes of one head with units dropped at random. Mask inputs are drawn
//! from the request's seed by a named, portable generator.

use ort::value::TensorRef;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

use super::{HeadGraph, HeadQuestion, NamedShape, to_i64};
use crate::RunError;
use bundle::{Mask, McDropout, Sampling};

/// Number of random words to draw at a time. Drawing them one by one would take as long as a tenth
/// of the trunk.
const WORDS_AT_ONCE: usize = 256;

/// features `[N, D]` → `[N, T, C]`
pub(super) fn ask(
    graph: HeadGraph<'_>,
    mc_dropout: &McDropout,
    question: &HeadQuestion<'_>,
) -> Result<Vec<f32>, RunError> {
    match &mc_dropout.sampling {
        Sampling::Masks { masks, .. } => with_masks(graph, masks, question),
        Sampling::ActiveDropout {} => with_copies(graph, question),
        Sampling::InGraph {} => graph.own_samples(mc_dropout.passes, question),
    }
}

/// The mask inputs, if the graph has any.
pub(super) fn further_inputs(mc_dropout: &McDropout) -> Vec<NamedShape<'_>> {
    let Sampling::Masks { masks, .. } = &mc_dropout.sampling else {
        return Vec::new();
    };
    let shape_of = |mask: &Mask| vec![-1, -1, to_i64(mask.width)];
    masks
        .iter()
        .map(|mask| (mask.input.as_str(), shape_of(mask)))
        .collect()
}

pub(super) fn output_shape(mc_dropout: &McDropout, classes: i64) -> Vec<i64> {
    match mc_dropout.sampling {
        Sampling::Masks { .. } => vec![-1, -1, classes],
        Sampling::ActiveDropout {} => vec![-1, classes],
        Sampling::InGraph {} => vec![-1, to_i64(mc_dropout.passes), classes],
    }
}

fn with_masks(
    graph: HeadGraph<'_>,
    masks: &[Mask],
    question: &HeadQuestion<'_>,
) -> Result<Vec<f32>, RunError> {
    let (images, passes) = (to_i64(question.images), to_i64(question.passes));
    let mut drawn = draw_masks(masks, question.passes, question.seeds);
    let mut inputs = Vec::with_capacity(masks.len());
    for (mask, values) in masks.iter().zip(&mut drawn) {
        values.resize(question.images * question.passes * mask.width, 0.0);
        let shape = [images, passes, to_i64(mask.width)];
        let tensor = TensorRef::from_array_view((shape, values.as_slice()))?;
        inputs.push((mask.input.as_str(), tensor.into()));
    }
    let expected = [images, passes, to_i64(graph.classes)];
    graph.run(question, inputs, &expected)
}

/// Runs T copies of the row in one batch, because Dropout nodes draw for each row separately.
fn with_copies(graph: HeadGraph<'_>, question: &HeadQuestion<'_>) -> Result<Vec<f32>, RunError> {
    let passes = to_i64(question.passes);
    let (shape, row) = question.rows.try_extract_tensor::<f32>()?;
    let copies = row.repeat(question.passes);
    let of_a_row = shape.iter().skip(1).copied();
    let shape: Vec<i64> = std::iter::once(passes).chain(of_a_row).collect();
    let copied = HeadQuestion {
        rows: TensorRef::from_array_view((shape, copies.as_slice()))?.into_dyn(),
        ..*question
    };
    let expected = [passes, to_i64(graph.classes)];
    graph.run(&copied, Vec::new(), &expected)
}

/// Draws a mask `[passes, width]` of zeros (dropped) and ones (kept), row-major.
///
/// The generator is ChaCha8. The key is `seed` in little-endian order followed by zeros; the stream
/// is `stream`, the mask's number. A unit is dropped if the next 32-bit word is below
/// `drop_probability · 2³²`. Rows are drawn in order, so fewer passes are a prefix of more.
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
    // A float-to-integer cast saturates; probabilities are verified to be in [0, 1).
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

/// Draws each of `masks` as `[seeds, passes, width]`, row-major. The stream is the mask's index,
/// counted from 0.
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
    fn fewer_passes_are_a_prefix() {
        let many = draw_mask(&mask(0.5), 50, 7, 0);
        let few = draw_mask(&mask(0.5), 10, 7, 0);
        assert!(many.starts_with(&few));
        assert_ne!(few, draw_mask(&mask(0.5), 10, 8, 0));
        assert_ne!(few, draw_mask(&mask(0.5), 10, 7, 1));
    }

    #[test]
    fn masks_of_seeds_are_concatenated() {
        let masks = [mask(0.5), mask(0.25)];
        let drawn = draw_masks(&masks, 10, &[7, 8]);
        for (stream, (mask, units)) in (0..).zip(masks.iter().zip(&drawn)) {
            let one_by_one = [7, 8].map(|seed| draw_mask(mask, 10, seed, stream));
            assert_eq!(units, &one_by_one.concat());
        }
    }

    #[test]
    fn units_follow_the_word_stream() {
        let mut key = [0; 32];
        key[0] = 7;
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(3);
        let mut word_by_word = || f32::from(u8::from(generator.next_u32() >= 1 << 30));
        let expected: Vec<f32> = (0..13 * 64).map(|_| word_by_word()).collect();
        assert_eq!(draw_mask(&mask(0.25), 13, 7, 3), expected);
    }

    #[test]
    fn drop_rate_matches_the_manifest() {
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
