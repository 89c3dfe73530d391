//! Bytes to pixels. Every format has its own file, since every decoder is lenient in its own way.

mod jpeg;
mod jpeg_structure;
mod jpeg_variant;
mod png;
mod tiff;
mod to_rgb;
mod via_image;

use super::{CellImage, Format, ImageError, Limits};
use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Decodes an image file of a supported [`Format`] to 8-bit RGB.
///
/// The orientation of the EXIF data or of TIFF's tag is applied; grey is repeated, alpha is dropped
/// (not blended; colours that a TIFF stores multiplied by it are divided by it), samples beyond the
/// colours are dropped, palettes are looked up, of 16-bit samples the high byte is kept, CMYK is
/// converted without a profile, colour profiles and gamma are ignored. This is what Pillow's
/// `exif_transpose` and `convert("RGB")` do, but for 16-bit grey, which Pillow clips at 255.
///
/// # Errors
/// In this order: [`ImageError::Empty`], [`ImageError::TooLarge`],
/// [`ImageError::UnsupportedFormat`], [`ImageError::TooManyPixels`] (judged on the header alone),
/// [`ImageError::NotRead`] for variants of a format that the decoders are not known to read
/// rightly, and [`ImageError::Undecodable`] for whatever is damaged or incomplete: half an image is
/// no image.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<CellImage, ImageError> {
    limits.check_bytes(bytes.len())?;
    let format = Format::sniff(bytes).ok_or(ImageError::UnsupportedFormat)?;
    let pixels = without_panic("the decoder failed on it", || match format {
        Format::Jpeg => jpeg::decode(bytes, limits),
        Format::Png => png::decode(bytes, limits),
        Format::Tiff => tiff::decode(bytes, limits),
        Format::Bmp => via_image::decode_bmp(bytes, limits),
        Format::Webp => via_image::decode_webp(bytes, limits),
    })?;
    Ok(CellImage::new(pixels))
}

/// A panic inside a decoder is a file that cannot be decoded, for this reason, not the end of a
/// worker thread. The closure only borrows the upload, so nothing half-changed is seen after it.
fn without_panic<T>(
    reason: &str,
    decoder: impl FnOnce() -> Result<T, ImageError>,
) -> Result<T, ImageError> {
    catch_unwind(AssertUnwindSafe(decoder)).unwrap_or_else(|_| Err(ImageError::undecodable(reason)))
}

/// Turns and mirrors as the EXIF data of the file asks; data that cannot be read asks for nothing.
///
/// JPEG puts `Exif\0\0` before the data; some programs do so in PNG and WebP too, where it does not
/// belong, even twice.
fn upright(pixels: RgbImage, exif: Option<&[u8]>) -> RgbImage {
    match exif
        .map(without_prefix)
        .and_then(Orientation::from_exif_chunk)
    {
        Some(orientation) => turned(pixels, orientation),
        None => pixels,
    }
}

fn without_prefix(mut exif: &[u8]) -> &[u8] {
    while let Some(rest) = exif.strip_prefix(b"Exif\0\0") {
        exif = rest;
    }
    exif
}

fn turned(pixels: RgbImage, orientation: Orientation) -> RgbImage {
    let mut image = DynamicImage::ImageRgb8(pixels);
    image.apply_orientation(orientation);
    image.into_rgb8()
}

/// Puts decoded bytes into an image; an error when the decoder returned another number of them than it declared.
fn rgb_image(width: u32, height: u32, pixels: Vec<u8>) -> Result<RgbImage, ImageError> {
    RgbImage::from_raw(width, height, pixels).ok_or_else(|| {
        ImageError::undecodable("it holds another number of pixels than it declares")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]

    use super::*;

    #[test]
    fn a_panic_in_a_decoder_is_a_refusal() {
        let refused: Result<(), _> = without_panic("it failed", || panic!("a decoder's own fault"));
        assert_eq!(refused, Err(ImageError::undecodable("it failed")));
    }
}
