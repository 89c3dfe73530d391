//! Converts the samples of a TIFF to red, green and blue.

use super::super::super::ImageError;
use super::super::from_grey;
use super::layout::TiffLayout;
use super::readable::{Colours, WHITE_IS_ZERO};

/// Three bytes per pixel.
pub(super) fn to_rgb(
    values: Vec<u8>,
    layout: &TiffLayout,
    colours: Colours,
) -> Result<Vec<u8>, ImageError> {
    match colours {
        Colours::Grey => Ok(from_one_grey(values, layout.photometric == WHITE_IS_ZERO)),
        Colours::Rgb => Ok(values),
        Colours::RgbTimesAlpha => Ok(divided_by_alpha(&values)),
        Colours::Palette => looked_up(&values, &layout.colour_map, layout.bits),
        Colours::Inks => Ok(from_cmyk(&values)),
    }
}

fn from_one_grey(mut values: Vec<u8>, is_white_zero: bool) -> Vec<u8> {
    if is_white_zero {
        values.iter_mut().for_each(|value| *value = 255 - *value);
    }
    from_grey(&values, 1)
}

/// Divides as Pillow does: rounded down and at most 255. If alpha is 0, the colours stay unchanged.
fn divided_by_alpha(values: &[u8]) -> Vec<u8> {
    let (pixels, _) = values.as_chunks::<4>();
    pixels
        .iter()
        .flat_map(|&[red, green, blue, alpha]| {
            [red, green, blue].map(|colour| match alpha {
                0 => colour,
                // At most 255.
                _ => (u32::from(colour) * 255 / u32::from(alpha)).min(255) as u8,
            })
        })
        .collect()
}

/// The high bytes of a palette's 16-bit colours.
fn looked_up(indices: &[u8], colour_map: &[u16], bits: u16) -> Result<Vec<u8>, ImageError> {
    let colours = 1 << bits;
    if colour_map.len() != 3 * colours {
        return Err(ImageError::undecodable(format!(
            "its palette has {} values, expected {}",
            colour_map.len(),
            3 * colours
        )));
    }
    let (reds, rest) = colour_map.split_at(colours);
    let (greens, blues) = rest.split_at(colours);
    let palette: Vec<[u8; 3]> = reds
        .iter()
        .zip(greens)
        .zip(blues)
        .map(|((red, green), blue)| [red, green, blue].map(|value| value.to_be_bytes()[0]))
        .collect();
    // An index of this many bits always has a colour.
    Ok(indices
        .iter()
        .flat_map(|&index| palette.get(usize::from(index)).copied().unwrap_or_default())
        .collect())
}

/// CMYK (0 = no ink) without a profile, with the fixed-point arithmetic of Pillow. With n = 255 − K
/// and t = C·n + 128, red is n − (t + t/256)/256, and likewise green from M and blue from Y.
fn from_cmyk(values: &[u8]) -> Vec<u8> {
    let (pixels, _) = values.as_chunks::<4>();
    pixels
        .iter()
        .flat_map(|[cyan, magenta, yellow, black]| {
            let light = 255 - u32::from(*black);
            [cyan, magenta, yellow].map(|colour| {
                let product = u32::from(*colour) * light + 128;
                let absorbed = (product + (product >> 8)) >> 8;
                // absorbed <= light <= 255, because colour <= 255.
                (light - absorbed) as u8
            })
        })
        .collect()
}
