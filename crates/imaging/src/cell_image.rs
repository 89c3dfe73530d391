//! The image type of this project, and antialiased resizing that agrees with Pillow.

use std::io::Cursor;

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};
use image::{ImageFormat, RgbImage};
use serde::{Deserialize, Serialize};

use super::ImageError;

/// Largest side in pixels of crops, resized images and views.
pub const MAX_OUTPUT_EDGE: u32 = 4096;

/// With more pixels than this between the two passes (192 MB), the cheaper order of passes is used
/// instead of Pillow's.
const MAX_INTERMEDIATE_PIXELS: u64 = 64_000_000;

/// An image of a cell or of a whole field: 8-bit RGB, upright, rows from top to bottom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellImage(RgbImage);

impl CellImage {
    /// An image from pixels that are already upright 8-bit RGB.
    #[must_use]
    pub fn new(pixels: RgbImage) -> Self {
        Self(pixels)
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.0.width()
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.0.height()
    }

    /// The pixels.
    #[must_use]
    pub fn as_rgb(&self) -> &RgbImage {
        &self.0
    }

    /// The same pixels as a PNG file.
    ///
    /// # Errors
    /// [`ImageError::Unencodable`] if the image has no pixels.
    pub fn to_png(&self) -> Result<Vec<u8>, ImageError> {
        let mut file = Cursor::new(Vec::new());
        let written = self.0.write_to(&mut file, ImageFormat::Png);
        // The encoder writes to memory, so that only an image without pixels fails.
        written.map_err(|_| ImageError::Unencodable {
            reason: "it has no pixels".to_owned(),
        })?;
        Ok(file.into_inner())
    }
}

/// The kernel of a resize. It is widened by the scale if the image shrinks (antialiasing).
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

/// Resizes to exactly `width` x `height` and ignores the aspect ratio.
///
/// Pillow filters the rows, rounds to bytes, and then filters the columns. Two calls do the same
/// and differ by at most 1 (bilinear) or 2 (bicubic). In a single call the library filters the
/// columns first, which differs by up to 28 at sharp edges.
///
/// # Errors
/// [`ImageError::InvalidSize`] if a side of the output is 0 or above [`MAX_OUTPUT_EDGE`], or the
/// image has no pixels.
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

/// `None` if the library refuses the sizes. They are checked before, so it does not.
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

/// Checks the size of an output image.
pub(super) fn check_output_size(width: u32, height: u32) -> Result<(), ImageError> {
    let allowed = 1..=MAX_OUTPUT_EDGE;
    if allowed.contains(&width) && allowed.contains(&height) {
        return Ok(());
    }
    Err(invalid_size(width, height))
}

/// Checks that the image has pixels.
pub(super) fn check_has_pixels(image: &CellImage) -> Result<(), ImageError> {
    if image.width() > 0 && image.height() > 0 {
        return Ok(());
    }
    Err(invalid_size(image.width(), image.height()))
}

/// The error for an image of this size.
fn invalid_size(width: u32, height: u32) -> ImageError {
    ImageError::InvalidSize {
        width,
        height,
        max_edge: MAX_OUTPUT_EDGE,
    }
}
