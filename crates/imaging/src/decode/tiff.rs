//! TIFF, first page. The `image` crate reads all but CMYK, which it converts with a rounding of its own.

use super::super::{ImageError, Limits, limits::decoding_allowance};
use super::{rgb_image, to_rgb, turned, via_image};
use image::codecs::tiff::TiffDecoder;
use image::{ExtendedColorType, ImageDecoder, RgbImage};
use std::io::Cursor;
use tiff::decoder::{Decoder, DecodingResult};

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<RgbImage, ImageError> {
    let mut decoder = TiffDecoder::new(Cursor::new(bytes)).map_err(ImageError::undecodable)?;
    if decoder.original_color_type() != ExtendedColorType::Cmyk8 {
        return via_image::read(decoder, limits);
    }
    let (width, height) = decoder.dimensions();
    limits.check_pixels(u64::from(width), u64::from(height))?;
    let orientation = decoder.orientation().map_err(ImageError::undecodable)?;
    let pixels = to_rgb::from_cmyk(&read_inks(bytes, decoding_allowance(width, height))?);
    Ok(turned(rgb_image(width, height, pixels)?, orientation))
}

/// The interleaved inks, four bytes per pixel.
fn read_inks(bytes: &[u8], allowance: u64) -> Result<Vec<u8>, ImageError> {
    let allowance = usize::try_from(allowance).unwrap_or(usize::MAX);
    let mut limits = tiff::decoder::Limits::default();
    limits.decoding_buffer_size = allowance;
    limits.intermediate_buffer_size = allowance;
    let decoder = Decoder::new(Cursor::new(bytes)).map_err(ImageError::undecodable)?;
    match decoder
        .with_limits(limits)
        .read_image()
        .map_err(ImageError::undecodable)?
    {
        DecodingResult::U8(inks) => Ok(inks),
        _ => Err(ImageError::undecodable(
            "its inks are not stored as 8-bit samples",
        )),
    }
}
