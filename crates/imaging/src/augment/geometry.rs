//! Operations that move pixels.

use super::super::{CellImage, ImageError, Padding, ResizeFilter, crop::window, resize};
use image::RgbImage;
use image::imageops::{flip_horizontal, flip_vertical, rotate90, rotate180, rotate270};

/// Mirrors left and right.
#[must_use]
pub fn hflip(image: &CellImage) -> CellImage {
    CellImage::new(flip_horizontal(image.as_rgb()))
}

/// Mirrors top and bottom.
#[must_use]
pub fn vflip(image: &CellImage) -> CellImage {
    CellImage::new(flip_vertical(image.as_rgb()))
}

/// One of the eight symmetries of a square: `index` mod 4 quarter turns counter-clockwise, then
/// [`hflip`] if `index` is 4 or more.
///
/// # Errors
/// [`ImageError::SettingOutOfRange`] for an index above 7.
pub fn dihedral(image: &CellImage, index: u8) -> Result<CellImage, ImageError> {
    let turned = CellImage::new(counter_clockwise(image.as_rgb(), index % 4));
    match index {
        0..4 => Ok(turned),
        4..8 => Ok(hflip(&turned)),
        _ => Err(ImageError::setting(
            "dihedral index",
            f64::from(index),
            "from 0 to 7",
        )),
    }
}

fn counter_clockwise(pixels: &RgbImage, quarter_turns: u8) -> RgbImage {
    match quarter_turns {
        0 => pixels.clone(),
        1 => rotate270(pixels),
        2 => rotate180(pixels),
        _ => rotate90(pixels),
    }
}

/// Cuts `width` x `height` pixels at (`left`, `top`) and resizes them to `size` x `size`.
///
/// # Errors
/// [`ImageError::RectangleOutside`] if the rectangle is empty or not inside the image (torchvision
/// pads with black there), [`ImageError::InvalidSize`] if `size` is 0 or above
/// [`MAX_OUTPUT_EDGE`](super::super::MAX_OUTPUT_EDGE).
pub fn resized_crop(
    image: &CellImage,
    top: u32,
    left: u32,
    height: u32,
    width: u32,
    size: u32,
    filter: ResizeFilter,
) -> Result<CellImage, ImageError> {
    let fits = |start: u32, length: u32, available: u32| {
        length > 0
            && start
                .checked_add(length)
                .is_some_and(|end| end <= available)
    };
    if !fits(left, width, image.width()) || !fits(top, height, image.height()) {
        return Err(ImageError::RectangleOutside {
            left,
            top,
            rectangle_width: width,
            rectangle_height: height,
            width: image.width(),
            height: image.height(),
        });
    }
    // The rectangle is inside the image, so the padding does not matter.
    let cut = window(
        image,
        i64::from(left),
        i64::from(top),
        width,
        height,
        Padding::Zero,
    );
    resize(&cut, size, size, filter)
}
