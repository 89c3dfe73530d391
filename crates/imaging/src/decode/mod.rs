//! Decoding of image files within limits. The first bytes determine the format; file names and
//! declared content types are not trusted. Every format has its own module, because every decoder
//! is lenient in a different way.

mod jpeg;
mod jpeg_structure;
mod jpeg_variant;
mod png;
mod tiff;
mod via_image;

use super::{CellImage, ImageError};
use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Memory that a decoder may use in addition to the pixels: a tile, a palette, a block of metadata.
const DECODER_OVERHEAD_BYTES: u64 = 16 << 20;

/// Most bytes per pixel inside a decoder: four channels of 16 bits.
const MAX_BYTES_PER_PIXEL: u64 = 8;

/// An image format that can be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JPEG: progressive, or sequential with all colours in one scan.
    Jpeg,
    /// PNG; of an animated one, the default image.
    Png,
    /// TIFF, classic or BigTIFF: grey, RGB, palette, CMYK, or JPEG-compressed. Of several pages,
    /// the first.
    Tiff,
    /// Windows bitmap.
    Bmp,
    /// WebP, lossy or lossless.
    Webp,
}

impl Format {
    /// The format of a file that starts with `bytes`; `None` if it is not supported.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"\xff\xd8\xff") {
            return Some(Self::Jpeg);
        }
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            return Some(Self::Png);
        }
        if is_tiff(bytes) {
            return Some(Self::Tiff);
        }
        if is_bmp(bytes) {
            return Some(Self::Bmp);
        }
        if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            return Some(Self::Webp);
        }
        None
    }
}

/// Byte order, then 42 (classic) or 43 (BigTIFF).
fn is_tiff(bytes: &[u8]) -> bool {
    const MAGICS: [&[u8]; 4] = [b"II\x2a\0", b"MM\0\x2a", b"II\x2b\0", b"MM\0\x2b"];
    MAGICS.iter().any(|magic| bytes.starts_with(magic))
}

/// Many texts start with "BM", so the four reserved bytes must be zero, too.
fn is_bmp(bytes: &[u8]) -> bool {
    bytes.starts_with(b"BM") && bytes.get(6..10) == Some(&[0; 4])
}

/// Limits of uploaded images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest file in bytes.
    pub max_bytes: usize,
    /// Largest declared width times height; checked on the header, before any pixel is decoded.
    pub max_pixels: u64,
}

impl Default for Limits {
    /// 20 MB and 50 megapixels: 10 times the bytes and 30 times the pixels of a field of the CRIC
    /// collection.
    fn default() -> Self {
        Self {
            max_bytes: 20_000_000,
            max_pixels: 50_000_000,
        }
    }
}

impl Limits {
    fn check_bytes(&self, bytes: usize) -> Result<(), ImageError> {
        if bytes == 0 {
            return Err(ImageError::Empty);
        }
        if bytes > self.max_bytes {
            return Err(ImageError::TooLarge {
                bytes,
                max_bytes: self.max_bytes,
            });
        }
        Ok(())
    }

    /// Checks the size in a header. A file that declares no pixels is damaged.
    fn check_pixels(&self, width: u64, height: u64) -> Result<(), ImageError> {
        if width == 0 || height == 0 {
            return Err(ImageError::undecodable(
                "it declares a width or a height of zero",
            ));
        }
        if width.saturating_mul(height) > self.max_pixels {
            return Err(ImageError::TooManyPixels {
                width,
                height,
                max_pixels: self.max_pixels,
            });
        }
        Ok(())
    }
}

/// Largest memory in bytes for decoding an image of this size.
fn decoding_allowance(width: u32, height: u32) -> u64 {
    let pixels = u64::from(width).saturating_mul(u64::from(height));
    pixels
        .saturating_mul(MAX_BYTES_PER_PIXEL)
        .saturating_add(DECODER_OVERHEAD_BYTES)
}

/// Decodes an image file of a supported [`Format`] to 8-bit RGB.
///
/// Conversions:
///
/// - The orientation from EXIF or the TIFF tag is applied.
/// - Grey is repeated for the three channels. Palettes are looked up. CMYK is converted without a
///   profile.
/// - Alpha is dropped, not blended. Colours that a TIFF stores multiplied by alpha are divided by
///   it.
/// - Samples beyond the colours are dropped.
/// - Of 16-bit samples the high byte is kept.
/// - Colour profiles and gamma are ignored.
///
/// This agrees with Pillow's `exif_transpose` and `convert("RGB")`, except for 16-bit grey, which
/// Pillow clips at 255.
///
/// # Errors
/// In this order: [`ImageError::Empty`], [`ImageError::TooLarge`],
/// [`ImageError::UnsupportedFormat`], [`ImageError::TooManyPixels`] (from the header alone),
/// [`ImageError::NotRead`] for variants of a format that the decoders do not read correctly, and
/// [`ImageError::Undecodable`] for damaged or incomplete files.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<CellImage, ImageError> {
    limits.check_bytes(bytes.len())?;
    let format = Format::sniff(bytes).ok_or(ImageError::UnsupportedFormat)?;
    let pixels = without_panic("its data is damaged", || match format {
        Format::Jpeg => jpeg::decode(bytes, limits),
        Format::Png => png::decode(bytes, limits),
        Format::Tiff => tiff::decode(bytes, limits),
        Format::Bmp => via_image::decode_bmp(bytes, limits),
        Format::Webp => via_image::decode_webp(bytes, limits),
    })?;
    Ok(CellImage::new(pixels))
}

/// Turns a panic inside a decoder into an [`ImageError::Undecodable`] with this reason, so that a
/// worker thread survives it. The closure only borrows the upload, so no half-changed state is
/// visible afterwards.
fn without_panic<T>(
    reason: &str,
    decoder: impl FnOnce() -> Result<T, ImageError>,
) -> Result<T, ImageError> {
    catch_unwind(AssertUnwindSafe(decoder)).unwrap_or_else(|_| Err(ImageError::undecodable(reason)))
}

/// Applies the orientation of the EXIF data. Unreadable data has no effect.
///
/// JPEG has `Exif\0\0` before the data. Some programs write it in PNG and WebP, too, sometimes
/// twice.
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

/// An image from decoded bytes; an error if their number does not fit the declared size.
fn rgb_image(width: u32, height: u32, pixels: Vec<u8>) -> Result<RgbImage, ImageError> {
    RgbImage::from_raw(width, height, pixels)
        .ok_or_else(|| ImageError::undecodable("it has more or fewer pixels than it declares"))
}

/// Repeats every grey value for three channels. Each pixel has `channels` bytes, of which the first
/// is the grey.
fn from_grey(values: &[u8], channels: usize) -> Vec<u8> {
    let pixels = values.chunks_exact(channels);
    let greys = pixels.filter_map(|pixel| pixel.first());
    greys.flat_map(|grey| [*grey; 3]).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]

    use super::*;

    #[test]
    fn first_bytes_determine_the_format() {
        let cases: [(&[u8], Option<Format>); 10] = [
            (b"\xff\xd8\xff\xe0", Some(Format::Jpeg)),
            (b"\x89PNG\r\n\x1a\n", Some(Format::Png)),
            (b"II\x2a\0", Some(Format::Tiff)),
            (b"MM\0\x2b", Some(Format::Tiff)),
            (b"BM\x40\0\0\0\0\0\0\0", Some(Format::Bmp)),
            (b"RIFF\x10\0\0\0WEBPVP8L", Some(Format::Webp)),
            (b"BMW is no bitmap", None),
            (b"RIFF\x10\0\0\0WAVEfmt ", None),
            (b"GIF89a", None),
            (b"", None),
        ];
        for (bytes, format) in cases {
            assert_eq!(Format::sniff(bytes), format, "{bytes:?}");
        }
    }

    #[test]
    fn panicking_decoder_gives_an_error() {
        let refused: Result<(), _> = without_panic("it failed", || panic!("inside a decoder"));
        assert_eq!(refused, Err(ImageError::undecodable("it failed")));
    }
}
