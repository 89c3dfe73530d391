//! What is checked before memory is asked for.

use super::{CellImage, ImageError};

/// Largest side, in pixels, of anything this room makes: crops, resized images and views.
pub const MAX_OUTPUT_EDGE: u32 = 4096;

/// Memory that a decoder may use beyond the pixels themselves: a tile, a palette, a block of metadata.
const DECODER_OVERHEAD_BYTES: u64 = 16 << 20;

/// Most bytes a pixel takes inside a decoder: four channels of 16 bits.
const MAX_BYTES_PER_PIXEL: u64 = 8;

/// How much an upload may ask of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest file in bytes.
    pub max_bytes: usize,
    /// Largest declared width times height; checked on the header, before any pixel is decoded.
    pub max_pixels: u64,
}

impl Default for Limits {
    /// 20 MB and 50 megapixels: ten times a field of the CRIC collection in bytes, thirty times in pixels.
    fn default() -> Self {
        Self {
            max_bytes: 20_000_000,
            max_pixels: 50_000_000,
        }
    }
}

impl Limits {
    pub(super) fn check_bytes(&self, bytes: usize) -> Result<(), ImageError> {
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

    /// Checks the size that a header declares; a file that declares no pixels is damaged.
    pub(super) fn check_pixels(&self, width: u64, height: u64) -> Result<(), ImageError> {
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

/// The memory that decoding an image of this size may take at most, in bytes.
pub(super) fn decoding_allowance(width: u32, height: u32) -> u64 {
    let pixels = u64::from(width).saturating_mul(u64::from(height));
    pixels
        .saturating_mul(MAX_BYTES_PER_PIXEL)
        .saturating_add(DECODER_OVERHEAD_BYTES)
}

/// Checks the size of an image that is about to be made of another.
pub(super) fn check_output_size(width: u32, height: u32) -> Result<(), ImageError> {
    let allowed = 1..=MAX_OUTPUT_EDGE;
    if allowed.contains(&width) && allowed.contains(&height) {
        return Ok(());
    }
    Err(invalid_size(width, height))
}

/// Checks that there is something to make another image of.
pub(super) fn check_has_pixels(image: &CellImage) -> Result<(), ImageError> {
    if image.width() > 0 && image.height() > 0 {
        return Ok(());
    }
    Err(invalid_size(image.width(), image.height()))
}

/// The refusal to make or use an image of this size.
pub(super) fn invalid_size(width: u32, height: u32) -> ImageError {
    ImageError::InvalidSize {
        width,
        height,
        max_edge: MAX_OUTPUT_EDGE,
    }
}
