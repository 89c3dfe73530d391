//! PNG decoding with all checksums verified, up to the last chunk. By default the decoder accepts
//! corrupt pixel data.

use super::super::ImageError;
use super::{Limits, decoding_allowance, from_grey, rgb_image, upright};
use image::RgbImage;
use png::{ColorType, DecodeOptions, Decoder, Transformations};
use std::io::Cursor;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<RgbImage, ImageError> {
    let mut decoder = Decoder::new_with_options(Cursor::new(bytes), strict_options());
    // Palettes and few-bit greys become 8 bits; of 16 bits the high byte is kept.
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);

    let (width, height) = decoder.read_header_info().map_err(in_our_words)?.size();
    limits.check_pixels(u64::from(width), u64::from(height))?;
    let allowance = decoding_allowance(width, height);
    decoder.set_limits(png::Limits {
        bytes: usize::try_from(allowance).unwrap_or(usize::MAX),
    });

    let mut reader = decoder.read_info().map_err(in_our_words)?;
    let size = reader
        .output_buffer_size()
        .ok_or_else(|| ImageError::undecodable("it does not fit into memory"))?;
    let mut values = vec![0; size];
    // For an animated PNG, this is the default image.
    let frame = reader.next_frame(&mut values).map_err(in_our_words)?;
    reader.finish().map_err(in_our_words)?;

    let pixels = rgb_image(width, height, as_rgb(frame.color_type, values))?;
    // Read after the last chunk, because eXIf may follow the pixels.
    Ok(upright(pixels, reader.info().exif_metadata.as_deref()))
}

fn in_our_words(_: png::DecodingError) -> ImageError {
    ImageError::undecodable("its chunks or pixels are damaged or incomplete")
}

/// Verifies checksums, and skips text and colour profiles, which could decompress to gigabytes.
fn strict_options() -> DecodeOptions {
    let mut options = DecodeOptions::default();
    options.set_ignore_checksums(false);
    options.set_ignore_text_chunk(true);
    options.set_ignore_iccp_chunk(true);
    options
}

fn as_rgb(color_type: ColorType, values: Vec<u8>) -> Vec<u8> {
    match color_type {
        ColorType::Grayscale => from_grey(&values, 1),
        ColorType::GrayscaleAlpha => from_grey(&values, 2),
        ColorType::Rgba => without_alpha(&values),
        // EXPAND has converted palettes to RGB.
        ColorType::Rgb | ColorType::Indexed => values,
    }
}

/// Drops the alpha of red, green, blue, alpha.
fn without_alpha(values: &[u8]) -> Vec<u8> {
    let (pixels, _) = values.as_chunks::<4>();
    pixels
        .iter()
        .flat_map(|[red, green, blue, _]| [*red, *green, *blue])
        .collect()
}
