//! TIFF decoding, first page. The `tiff` crate reads the tags. Strips and tiles are decoded here,
//! because the crate gives wrong pixels for some layouts and panics for others (image-tiff #390,
//! #395, #400, #403, #417).
//!
//! ```text
//! bytes ─ layout ─▶ TiffLayout ─ readable ─▶ Colours
//! bytes ─ chunks (compression, samples) ─▶ values ─ colours ─▶ pixels
//! ```

mod chunks;
mod colours;
mod compression;
mod jpeg_chunk;
mod layout;
mod readable;
mod samples;

use super::super::{ImageError, Limits};
use super::{rgb_image, turned};
use image::RgbImage;
use image::metadata::Orientation;
use layout::TiffLayout;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<RgbImage, ImageError> {
    let layout = TiffLayout::read(bytes)?;
    limits.check_pixels(u64::from(layout.width), u64::from(layout.height))?;
    let colours = readable::colours(&layout)?;
    let values = chunks::read_values(bytes, &layout, colours)?;
    let pixels = rgb_image(
        layout.width,
        layout.height,
        colours::to_rgb(values, &layout, colours)?,
    )?;
    let orientation = u8::try_from(layout.orientation).ok();
    let orientation = orientation.and_then(Orientation::from_exif);
    Ok(turned(
        pixels,
        orientation.unwrap_or(Orientation::NoTransforms),
    ))
}
