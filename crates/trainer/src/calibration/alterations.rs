//! Cells as they would look from another laboratory: what an out-of-distribution score should notice.

use image::imageops;
use serde::{Deserialize, Serialize};

use imaging::{self, CellImage, ImageError, Padding, ResizeFilter};

/// A change of a crop. The amounts are what a reader would see at a glance and still call a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alteration {
    /// More of the stain that absorbs red, less of the one that absorbs green.
    Stain,
    /// Out of focus: a Gaussian blur of 2.5% of the crop's edge.
    Focus,
    /// A lens of 1.6 times the magnification.
    Magnified,
    /// A lens of 1 / 1.6 times the magnification; what lies beyond the crop is mirrored.
    Reduced,
}

/// By how much the scale is changed.
const SCALE: f64 = 1.6;

/// Standard deviation of the blur as a share of the crop's edge.
const BLUR: f32 = 0.025;

/// Factors of the optical density of red, green and blue.
const DENSITIES: [f64; 3] = [1.5, 0.75, 1.1];

impl Alteration {
    /// Every alteration.
    pub const ALL: [Self; 4] = [Self::Stain, Self::Focus, Self::Magnified, Self::Reduced];

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stain => "stain",
            Self::Focus => "focus",
            Self::Magnified => "magnified",
            Self::Reduced => "reduced",
        }
    }

    /// The altered crop, at the size of the crop.
    ///
    /// # Errors
    /// What imaging says of a crop that cannot be resized.
    pub fn apply(self, crop: &CellImage) -> Result<CellImage, ImageError> {
        match self {
            Self::Stain => Ok(stained(crop)),
            Self::Focus => {
                let sigma = BLUR * crop.width().max(crop.height()) as f32;
                Ok(CellImage::new(imageops::blur(crop.as_rgb(), sigma)))
            }
            Self::Magnified => scaled(crop, 1.0 / SCALE),
            Self::Reduced => scaled(crop, SCALE),
        }
    }
}

/// Beer and Lambert: light that passes twice as much stain is squared.
fn stained(crop: &CellImage) -> CellImage {
    let mut pixels = crop.as_rgb().clone();
    for pixel in pixels.pixels_mut() {
        for (value, factor) in pixel.0.iter_mut().zip(DENSITIES) {
            let transmitted = (f64::from(*value) / 255.0).powf(factor);
            *value = (transmitted * 255.0).round() as u8;
        }
    }
    CellImage::new(pixels)
}

/// The square of `share` times the crop's shorter edge around its centre.
fn scaled(crop: &CellImage, share: f64) -> Result<CellImage, ImageError> {
    let (width, height) = (crop.width(), crop.height());
    let edge = (f64::from(width.min(height)) * share).round().max(1.0) as u32;
    let (x, y) = (i64::from(width / 2), i64::from(height / 2));
    let square = imaging::crop_at_nucleus(crop, x, y, edge, Padding::Reflect)?;
    imaging::resize(&square, width, height, ResizeFilter::Bilinear)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    #[test]
    fn every_alteration_changes_the_crop_and_keeps_its_size() {
        let shade = |x: u32, y: u32| Rgb([(x * 7) as u8, (y * 5) as u8, (x * y) as u8]);
        let crop = CellImage::new(RgbImage::from_fn(31, 33, shade));
        for alteration in Alteration::ALL {
            let altered = alteration.apply(&crop).unwrap();
            assert_eq!(
                (altered.width(), altered.height()),
                (31, 33),
                "{alteration:?}"
            );
            assert_ne!(altered, crop, "{alteration:?}");
        }
    }

    #[test]
    fn stain_darkens_red_and_lightens_green() {
        let crop = CellImage::new(RgbImage::from_pixel(4, 4, Rgb([128, 128, 128])));
        let altered = Alteration::Stain.apply(&crop).unwrap();
        let [red, green, _] = altered.as_rgb().get_pixel(0, 0).0;
        assert!(red < 128 && green > 128);
    }
}
