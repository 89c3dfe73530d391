//! Square crops around a nucleus, and padding beyond the border of the field.

use super::{CellImage, ImageError, MAX_OUTPUT_EDGE};
use image::RgbImage;
use serde::{Deserialize, Serialize};

/// Bytes per pixel.
const CHANNELS: usize = 3;

/// How the part of a crop outside the image is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// Mirrored at the border pixels, which are not repeated (`reflect` of numpy), as often as
    /// needed.
    #[default]
    Reflect,
    /// Black, as in the paper.
    Zero,
}

/// Cuts a square of `edge` pixels whose pixel (`edge / 2`, `edge / 2`) is the nucleus.
///
/// # Errors
/// [`ImageError::NucleusOutside`] if the nucleus is not a pixel of the field,
/// [`ImageError::CropTooLarge`] if `edge` is 0 or above [`MAX_OUTPUT_EDGE`].
pub fn crop_at_nucleus(
    field: &CellImage,
    nucleus_x: i64,
    nucleus_y: i64,
    edge: u32,
    padding: Padding,
) -> Result<CellImage, ImageError> {
    let (width, height) = (field.width(), field.height());
    let is_inside =
        (0..i64::from(width)).contains(&nucleus_x) && (0..i64::from(height)).contains(&nucleus_y);
    if !is_inside {
        return Err(ImageError::NucleusOutside {
            x: nucleus_x,
            y: nucleus_y,
            width,
            height,
        });
    }
    if !(1..=MAX_OUTPUT_EDGE).contains(&edge) {
        return Err(ImageError::CropTooLarge {
            edge,
            max_edge: MAX_OUTPUT_EDGE,
        });
    }
    let half = i64::from(edge / 2);
    Ok(window(
        field,
        nucleus_x - half,
        nucleus_y - half,
        edge,
        edge,
        padding,
    ))
}

/// Cuts a rectangle that can be partly or wholly outside the image.
///
/// # Panics
/// If the image or the rectangle has no pixels.
pub fn window(
    image: &CellImage,
    left: i64,
    top: i64,
    width: u32,
    height: u32,
    padding: Padding,
) -> CellImage {
    let source = image.as_rgb();
    let source_row_bytes = source.width() as usize * CHANNELS;
    let columns = Columns::new(left, width, source.width(), padding);

    let mut output = RgbImage::new(width, height);
    let rows = output.chunks_exact_mut(width as usize * CHANNELS);
    for (row, y) in rows.zip(top..) {
        let source_y = source_index(y, source.height(), padding);
        let mut source_rows = source.as_raw().chunks_exact(source_row_bytes);
        if let Some(source_row) = source_y.and_then(|y| source_rows.nth(y)) {
            columns.copy(source_row, row);
        }
    }
    CellImage::new(output)
}

/// The source of a window's columns: one run inside the image, copied as a whole, and padded
/// columns.
struct Columns {
    inside_target: usize,
    inside_source: usize,
    inside_length: usize,
    /// (target, source) of each padded column.
    padded: Vec<(usize, usize)>,
}

impl Columns {
    fn new(left: i64, width: u32, source_width: u32, padding: Padding) -> Self {
        let width = i64::from(width);
        let inside_start = (-left).clamp(0, width);
        let inside_end = (i64::from(source_width) - left).clamp(inside_start, width);
        let padded = (0..inside_start).chain(inside_end..width);
        let padded = padded.filter_map(|target| {
            let source = source_index(left + target, source_width, padding)?;
            Some((to_index(target), source))
        });
        Self {
            inside_target: to_index(inside_start),
            inside_source: to_index(left.min(i64::from(source_width))),
            inside_length: to_index(inside_end - inside_start),
            padded: padded.collect(),
        }
    }

    fn copy(&self, source: &[u8], target: &mut [u8]) {
        copy_pixels(
            source,
            self.inside_source,
            target,
            self.inside_target,
            self.inside_length,
        );
        for &(target_x, source_x) in &self.padded {
            copy_pixels(source, source_x, target, target_x, 1);
        }
    }
}

fn copy_pixels(source: &[u8], source_x: usize, target: &mut [u8], target_x: usize, pixels: usize) {
    let (from, to, bytes) = (source_x * CHANNELS, target_x * CHANNELS, pixels * CHANNELS);
    let (target, source) = (
        target.get_mut(to..to + bytes),
        source.get(from..from + bytes),
    );
    if let (Some(target), Some(source)) = (target, source) {
        target.copy_from_slice(source);
    }
}

/// The row or column of the image that is shown at `position`; `None` for zero padding.
fn source_index(position: i64, size: u32, padding: Padding) -> Option<usize> {
    let size = i64::from(size);
    if (0..size).contains(&position) {
        return usize::try_from(position).ok();
    }
    if padding == Padding::Zero {
        return None;
    }
    if size < 2 {
        return (size == 1).then_some(0);
    }
    // Forth and back, each end once: 0 1 2 3 2 1 | 0 1 2 …
    let period = 2 * (size - 1);
    let phase = position.rem_euclid(period);
    Some(to_index(phase.min(period - phase)))
}

/// Converts a position. A run that starts left of the image starts at its first pixel.
fn to_index(position: i64) -> usize {
    usize::try_from(position).unwrap_or(0)
}
