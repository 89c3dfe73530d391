//! BMP and WebP decoding through the `image` crate, which is strict enough for them.

use super::super::ImageError;
use super::{Limits, decoding_allowance, upright};
use image::codecs::{bmp::BmpDecoder, webp::WebPDecoder};
use image::{DynamicImage, ImageDecoder, ImageResult, RgbImage};
use std::io::Cursor;

pub(super) fn decode_bmp(bytes: &[u8], limits: &Limits) -> Result<RgbImage, ImageError> {
    read(BmpDecoder::new(Cursor::new(bytes)), limits, "BMP")
}

pub(super) fn decode_webp(bytes: &[u8], limits: &Limits) -> Result<RgbImage, ImageError> {
    read(WebPDecoder::new(Cursor::new(bytes)), limits, "WebP")
}

/// Checks the declared size, then decodes within a memory limit that follows from it. `format` is
/// for messages.
fn read(
    decoder: ImageResult<impl ImageDecoder>,
    limits: &Limits,
    format: &str,
) -> Result<RgbImage, ImageError> {
    let in_our_words = |error| in_our_words(&error, format);
    let mut decoder = decoder.map_err(in_our_words)?;
    let (width, height) = decoder.dimensions();
    limits.check_pixels(u64::from(width), u64::from(height))?;

    let mut allowance = image::Limits::no_limits();
    allowance.max_alloc = Some(decoding_allowance(width, height));
    decoder.set_limits(allowance).map_err(in_our_words)?;

    let exif = decoder.exif_metadata().map_err(in_our_words)?;
    // Both formats have at most 8 bits per sample, so nothing is rounded.
    let image = DynamicImage::from_decoder(decoder).map_err(in_our_words)?;
    Ok(upright(image.into_rgb8(), exif.as_deref()))
}

fn in_our_words(error: &image::ImageError, format: &str) -> ImageError {
    match error {
        image::ImageError::Unsupported(_) => ImageError::not_read(
            format!("a {format} of a rare variant"),
            "save the image as PNG",
        ),
        _ => ImageError::undecodable("its header or pixels are damaged or incomplete"),
    }
}
