//! Brightness, contrast and saturation, as blends of an image with black, its mean grey, or its
//! grey version.

use super::super::{CellImage, ImageError};
use image::RgbImage;

/// Multiplies every value by `factor`: 0 is black, 1 changes nothing.
///
/// # Errors
/// [`ImageError::SettingOutOfRange`] for a factor that is negative or not finite.
pub fn adjust_brightness(image: &CellImage, factor: f64) -> Result<CellImage, ImageError> {
    let factor = checked_factor("brightness factor", factor)?;
    Ok(map_values(image, |value| blend(value, 0.0, factor)))
}

/// Scales the distance of every value from the image's mean grey: 0 gives that grey everywhere, 1
/// changes nothing.
///
/// # Errors
/// [`ImageError::SettingOutOfRange`] for a factor that is negative or not finite.
pub fn adjust_contrast(image: &CellImage, factor: f64) -> Result<CellImage, ImageError> {
    let factor = checked_factor("contrast factor", factor)?;
    let mean = mean_grey(image);
    Ok(map_values(image, |value| blend(value, mean, factor)))
}

/// Scales the distance of every pixel from its own grey: 0 gives a grey image, 1 changes nothing.
///
/// # Errors
/// [`ImageError::SettingOutOfRange`] for a factor that is negative or not finite.
pub fn adjust_saturation(image: &CellImage, factor: f64) -> Result<CellImage, ImageError> {
    let factor = checked_factor("saturation factor", factor)?;
    Ok(map_pixels(image, |pixel| {
        let grey = f32::from(grey(pixel));
        pixel.map(|value| blend(value, grey, factor))
    }))
}

/// Applies `change` to every pixel.
pub(super) fn map_pixels(image: &CellImage, change: impl Fn([u8; 3]) -> [u8; 3]) -> CellImage {
    let mut pixels: RgbImage = image.as_rgb().clone();
    for pixel in pixels.pixels_mut() {
        pixel.0 = change(pixel.0);
    }
    CellImage::new(pixels)
}

/// Applies `change` to every value, through a table of all 256 of them.
#[expect(
    clippy::indexing_slicing,
    reason = "the table has an entry for every byte"
)]
fn map_values(image: &CellImage, change: impl Fn(u8) -> u8) -> CellImage {
    let mut table = [0; 256];
    for (changed, value) in table.iter_mut().zip(0..=u8::MAX) {
        *changed = change(value);
    }
    map_pixels(image, |pixel| pixel.map(|value| table[usize::from(value)]))
}

/// factor · value + (1 − factor) · other, clipped and truncated to a byte, as torchvision does.
fn blend(value: u8, other: f32, factor: f32) -> u8 {
    let blended = factor * f32::from(value) + (1.0 - factor) * other;
    // The cast truncates, and clips at both ends.
    blended as u8
}

/// Luma of ITU-R 601 with torchvision's coefficients, rounded down.
fn grey([red, green, blue]: [u8; 3]) -> u8 {
    let luma = 0.2989 * f32::from(red) + 0.587 * f32::from(green) + 0.114 * f32::from(blue);
    luma as u8
}

/// Mean of the rounded greys, not rounded itself; 0 for an image without pixels.
fn mean_grey(image: &CellImage) -> f32 {
    let pixels = image.as_rgb().pixels();
    let count = pixels.len().max(1);
    let sum: u64 = pixels.map(|pixel| u64::from(grey(pixel.0))).sum();
    (sum as f64 / count as f64) as f32
}

fn checked_factor(setting: &'static str, factor: f64) -> Result<f32, ImageError> {
    match factor.is_finite() && factor >= 0.0 {
        true => Ok(factor as f32),
        false => Err(ImageError::setting(
            setting,
            factor,
            "finite and not negative",
        )),
    }
}
