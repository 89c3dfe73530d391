//! Antialiased resizing that agrees with Pillow's.

use super::limits::{check_has_pixels, check_output_size, invalid_size};
use super::{CellImage, ImageError};
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;
use serde::{Deserialize, Serialize};

/// Above this many pixels between the two passes the cheaper order is taken instead of Pillow's: 192 MB.
const MAX_INTERMEDIATE_PIXELS: u64 = 64_000_000;

/// The kernel of a resize, widened by the scale when the image shrinks (antialiasing).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResizeFilter {
    /// Triangle, support 1.
    Bilinear,
    /// Cubic with a = −0.5 (Catmull-Rom), support 2.
    Bicubic,
}

impl ResizeFilter {
    fn kernel(self) -> FilterType {
        match self {
            Self::Bilinear => FilterType::Bilinear,
            Self::Bicubic => FilterType::CatmullRom,
        }
    }
}

/// Resizes to exactly `width` x `height`, whatever the aspect.
///
/// Pillow filters the rows first and rounds to bytes before the columns; so does this, in two calls, and stays within 1
/// (bilinear) or 2 (bicubic) of it. In one call the library goes the other way round, and sharp edges differ by up to 28.
///
/// # Errors
/// [`ImageError::InvalidSize`] when a side of the output is zero or above [`MAX_OUTPUT_EDGE`](super::MAX_OUTPUT_EDGE), or
/// the image has no pixels.
pub fn resize(
    image: &CellImage,
    width: u32,
    height: u32,
    filter: ResizeFilter,
) -> Result<CellImage, ImageError> {
    check_output_size(width, height)?;
    check_has_pixels(image)?;
    if (image.width(), image.height()) == (width, height) {
        return Ok(image.clone());
    }
    in_two_passes(image, width, height, filter)
        .map(CellImage::new)
        .ok_or_else(|| invalid_size(width, height))
}

/// `None` when the library refuses the sizes, which have been checked before.
fn in_two_passes(
    image: &CellImage,
    width: u32,
    height: u32,
    filter: ResizeFilter,
) -> Option<RgbImage> {
    let (source_width, source_height) = (image.width(), image.height());
    let rows_first = u64::from(width) * u64::from(source_height);
    let (middle_width, middle_height) = if rows_first <= MAX_INTERMEDIATE_PIXELS {
        (width, source_height)
    } else {
        (source_width, height)
    };
    let source =
        ImageRef::new(source_width, source_height, image.as_rgb(), PixelType::U8x3).ok()?;
    let mut middle = Image::new(middle_width, middle_height, PixelType::U8x3);
    let mut output = Image::new(width, height, PixelType::U8x3);

    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter.kernel()));
    let mut resizer = Resizer::new();
    resizer.resize(&source, &mut middle, &options).ok()?;
    resizer.resize(&middle, &mut output, &options).ok()?;
    RgbImage::from_raw(width, height, output.into_vec())
}
