//! BMP, WebP and TIFF through the `image` crate, which is strict enough for them.

use super::super::{ImageError, Limits, limits::decoding_allowance};
use super::{to_rgb, turned};
use image::codecs::{bmp::BmpDecoder, webp::WebPDecoder};
use image::{DynamicImage, ImageDecoder, RgbImage};
use std::io::Cursor;

pub(super) fn decode_bmp(bytes: &[u8], limits: &Limits) -> Result<RgbImage, ImageError> {
    let decoder = BmpDecoder::new(Cursor::new(bytes)).map_err(ImageError::undecodable)?;
    read(decoder, limits)
}

pub(super) fn decode_webp(bytes: &[u8], limits: &Limits) -> Result<RgbImage, ImageError> {
    let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(ImageError::undecodable)?;
    read(decoder, limits)
}

/// Checks the declared size, then decodes within an allowance of memory that follows from it.
pub(super) fn read(
    mut decoder: impl ImageDecoder,
    limits: &Limits,
) -> Result<RgbImage, ImageError> {
    let (width, height) = decoder.dimensions();
    limits.check_pixels(u64::from(width), u64::from(height))?;

    let mut allowance = image::Limits::no_limits();
    allowance.max_alloc = Some(decoding_allowance(width, height));
    decoder
        .set_limits(allowance)
        .map_err(ImageError::undecodable)?;

    let orientation = decoder.orientation().map_err(ImageError::undecodable)?;
    let image = DynamicImage::from_decoder(decoder).map_err(ImageError::undecodable)?;
    Ok(turned(to_rgb::from_dynamic(image)?, orientation))
}
