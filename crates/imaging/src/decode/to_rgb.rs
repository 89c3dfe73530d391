//! From the channels that a file stores to red, green and blue.

use super::super::ImageError;
use image::{DynamicImage, RgbImage};

/// Repeats every grey value; `channels` bytes per pixel, of which the first is the grey.
pub(super) fn from_grey(values: &[u8], channels: usize) -> Vec<u8> {
    let pixels = values.chunks_exact(channels);
    pixels.flat_map(|pixel| [pixel[0]; 3]).collect()
}

/// Drops the alpha of red, green, blue, alpha.
pub(super) fn from_rgba(values: &[u8]) -> Vec<u8> {
    let pixels = values.chunks_exact(4);
    pixels
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
        .collect()
}

/// CMYK (0 = no ink) without a profile, in the fixed-point arithmetic of Pillow: with n = 255 − K and t = C·n + 128,
/// red is n − (t + t/256)/256, and likewise green of M and blue of Y.
pub(super) fn from_cmyk(values: &[u8]) -> Vec<u8> {
    let pixels = values.chunks_exact(4);
    pixels
        .flat_map(|ink| {
            let light = 255 - u32::from(ink[3]);
            [ink[0], ink[1], ink[2]].map(|colour| {
                let product = u32::from(colour) * light + 128;
                let absorbed = (product + (product >> 8)) >> 8;
                // absorbed <= light <= 255, since colour <= 255
                (light - absorbed) as u8
            })
        })
        .collect()
}

/// The high byte of every 16-bit sample.
fn high_bytes(samples: &[u16]) -> Vec<u8> {
    samples
        .iter()
        .map(|sample| sample.to_be_bytes()[0])
        .collect()
}

/// Any image of 8 or 16-bit samples to RGB, dropping alpha; floating-point samples have no agreed range and are refused.
pub(super) fn from_dynamic(image: DynamicImage) -> Result<RgbImage, ImageError> {
    let (width, height) = (image.width(), image.height());
    let pixels = match image {
        DynamicImage::ImageRgb8(pixels) => return Ok(pixels),
        DynamicImage::ImageLuma8(pixels) => from_grey(&pixels, 1),
        DynamicImage::ImageLumaA8(pixels) => from_grey(&pixels, 2),
        DynamicImage::ImageRgba8(pixels) => from_rgba(&pixels),
        DynamicImage::ImageLuma16(pixels) => from_grey(&high_bytes(&pixels), 1),
        DynamicImage::ImageLumaA16(pixels) => from_grey(&high_bytes(&pixels), 2),
        DynamicImage::ImageRgb16(pixels) => high_bytes(&pixels),
        DynamicImage::ImageRgba16(pixels) => from_rgba(&high_bytes(&pixels)),
        other => {
            let reason = format!(
                "samples of type {:?} are not supported, save it with 8 bits",
                other.color()
            );
            return Err(ImageError::undecodable(reason));
        }
    };
    super::rgb_image(width, height, pixels)
}
