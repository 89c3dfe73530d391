//! The views of a crop that the trunk sees: turned, drawn by a policy, or altered like images of
//! another laboratory.

use std::path::Path;

use image::imageops;
use serde::{Deserialize, Serialize};

use crate::{TrainingError, workspace::read_toml};
use bundle::Input;
use imaging::{
    self, CellImage, ImageError, Padding, ResizeFilter,
    augment::{self, AugmentPolicy, Augmentation},
};

/// The views of every cell, numbered from 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ViewPlan {
    /// Quarter turns and their mirror images, since a cell has no up or down. View 0 is the crop
    /// itself.
    Dihedral {
        /// Number of views, at most eight.
        count: usize,
    },
    /// Random views, drawn as the server draws them for test-time augmentation of the same file.
    Policy {
        /// How a view is made.
        policy: AugmentPolicy,
        /// Number of views.
        count: usize,
    },
    /// Alterations that imitate other laboratories, one view each.
    Altered {
        /// What is changed.
        alterations: Vec<Alteration>,
    },
}

impl ViewPlan {
    /// Number of views of each cell.
    pub fn count(&self) -> usize {
        match self {
            Self::Dihedral { count } | Self::Policy { count, .. } => *count,
            Self::Altered { alterations } => alterations.len(),
        }
    }

    /// View number `index` of a crop, at the model's input size. `seed` is that of the crop's file,
    /// see `engine::seed_of`.
    ///
    /// # Errors
    /// As `imaging` for the crop or the policy.
    pub fn view(
        &self,
        crop: &CellImage,
        seed: u64,
        index: usize,
        input: &Input,
    ) -> Result<CellImage, ImageError> {
        match self {
            Self::Dihedral { .. } => {
                let turned = augment::dihedral(crop, u8::try_from(index).unwrap_or(u8::MAX))?;
                imaging::resize(&turned, input.size, input.size, input.resize)
            }
            Self::Policy { policy, .. } => {
                augment::view(crop, policy, seed, index as u64, input.size, input.resize)
            }
            Self::Altered { alterations } => {
                let altered = match alterations.get(index) {
                    Some(alteration) => alteration.apply(crop)?,
                    None => crop.clone(),
                };
                imaging::resize(&altered, input.size, input.size, input.resize)
            }
        }
    }
}

/// A change of a crop. The amounts are visible at a glance and leave the cell recognisable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alteration {
    /// More of the stain that absorbs red, less of the one that absorbs green.
    Stain,
    /// Out of focus: a Gaussian blur of 2.5% of the crop's edge.
    Focus,
    /// A lens of 1.6 times the magnification.
    Magnified,
    /// A lens of 1 / 1.6 times the magnification; the area beyond the crop is mirrored.
    Reduced,
}

/// Factor of the change of scale.
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
    /// As `imaging` for a crop that cannot be resized.
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

/// Beer–Lambert law: light that passes twice the stain is squared.
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

/// The policy of a name, or of a TOML file as in a bundle's `methods.tta.policy`.
///
/// - `paper` is the paper's policy.
/// - `dihedral` only turns and mirrors, since a cell has no up or down.
/// - `cells` adds a mild change of colour, as between two slides of one laboratory.
///
/// # Errors
/// If `name` is neither a policy nor a readable file, or the file does not describe a policy.
pub(crate) fn policy_named(name: &str) -> Result<AugmentPolicy, TrainingError> {
    let of_steps = |steps| AugmentPolicy {
        name: name.to_owned(),
        steps,
        ..AugmentPolicy::paper()
    };
    match name {
        "paper" => Ok(AugmentPolicy::paper()),
        "dihedral" => Ok(of_steps(vec![Augmentation::Dihedral {}])),
        "cells" => Ok(of_steps(vec![Augmentation::Dihedral {}, mild_jitter()])),
        file => read_policy(Path::new(file)),
    }
}

fn mild_jitter() -> Augmentation {
    Augmentation::ColourJitter {
        brightness: 0.08,
        contrast: 0.1,
        saturation: 0.15,
        hue: 0.0,
    }
}

fn read_policy(path: &Path) -> Result<AugmentPolicy, TrainingError> {
    let hint = "built-in policies: paper, cells, dihedral";
    let policy: AugmentPolicy = read_toml(path, hint)?;
    policy.check().map_err(TrainingError::malformed(path))?;
    Ok(policy)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    #[test]
    fn alterations_change_crop_and_keep_size() {
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
