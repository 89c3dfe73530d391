//! Converts the bytes of a strip or tile to 8-bit samples: sums differences, spreads few-bit
//! samples, and keeps the high byte of 16-bit samples.

use super::chunks::{bytes_of_row, samples_together};
use super::layout::TiffLayout;
use super::readable::PALETTE;

/// 8-bit samples, row by row without padding.
pub(super) fn eight_bit_samples(mut bytes: Vec<u8>, layout: &TiffLayout) -> Vec<u8> {
    if layout.predictor == 2 {
        sum_differences(&mut bytes, layout);
    }
    match layout.bits {
        8 => bytes,
        16 => high_bytes(&bytes, layout.is_little_endian),
        _ => spread_bits(&bytes, layout),
    }
}

/// Undoes the predictor: each sample is stored as its difference from the same sample of the pixel
/// before.
fn sum_differences(bytes: &mut [u8], layout: &TiffLayout) {
    let step = samples_together(layout);
    for row in bytes.chunks_exact_mut(bytes_of_row(layout)) {
        if layout.bits == 8 {
            sum_bytes(row, step);
        } else {
            sum_words(row, step, layout.is_little_endian);
        }
    }
}

fn sum_bytes(row: &mut [u8], step: usize) {
    let mut before = vec![0_u8; step];
    for pixel in row.chunks_mut(step) {
        for (sample, before) in pixel.iter_mut().zip(&mut before) {
            *before = before.wrapping_add(*sample);
            *sample = *before;
        }
    }
}

fn sum_words(row: &mut [u8], step: usize, is_little_endian: bool) {
    let (words, _) = row.as_chunks_mut::<2>();
    let mut before = vec![0_u16; step];
    for pixel in words.chunks_mut(step) {
        for (sample, before) in pixel.iter_mut().zip(&mut before) {
            if is_little_endian {
                *before = before.wrapping_add(u16::from_le_bytes(*sample));
                *sample = before.to_le_bytes();
            } else {
                *before = before.wrapping_add(u16::from_be_bytes(*sample));
                *sample = before.to_be_bytes();
            }
        }
    }
}

fn high_bytes(bytes: &[u8], is_little_endian: bool) -> Vec<u8> {
    let high = usize::from(is_little_endian);
    bytes.iter().skip(high).step_by(2).copied().collect()
}

/// Samples of 1, 2 or 4 bits, the first in the highest bits. Greys are spread over 0 to 255;
/// palette indices are not.
fn spread_bits(bytes: &[u8], layout: &TiffLayout) -> Vec<u8> {
    let bits = u32::from(layout.bits);
    let largest = (1_u8 << bits) - 1;
    let scale = if layout.photometric == PALETTE {
        1
    } else {
        255 / largest
    };
    let columns = layout.chunk.width as usize;
    let rows = bytes.chunks_exact(bytes_of_row(layout));
    rows.flat_map(|row| {
        let samples = row.iter().flat_map(move |byte| {
            let shifts = (0..8 / bits).rev();
            shifts.map(move |shift| (byte >> (shift * bits) & largest) * scale)
        });
        samples.take(columns)
    })
    .collect()
}
