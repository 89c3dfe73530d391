//! Augmentation policies, as they appear in a bundle's manifest.

use super::super::{ImageError, Padding};
use serde::{Deserialize, Serialize};

/// A random operation and its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Augmentation {
    /// Mirrors left and right.
    HorizontalFlip {
        /// Probability of a flip, in [0, 1].
        probability: f64,
    },
    /// Cuts a rectangle at a random place and resizes it to the size of the view.
    ///
    /// Area and aspect ratio are drawn as in torchvision's `RandomResizedCrop`. If the rectangle is
    /// larger than the image, torchvision draws again; this operation places the image at random
    /// inside the rectangle and pads the rest.
    RandomResizedCrop {
        /// Smallest and largest area of the rectangle, as a share of the image's area, from 0.001
        /// to 4.
        scale: [f64; 2],
        /// Smallest and largest width / height, from 0.1 to 10, uniform in the logarithm.
        ratio: [f64; 2],
    },
    /// Brightness, contrast, saturation and hue in random order (torchvision's `ColorJitter`). 0
    /// leaves an operation unchanged.
    ColourJitter {
        /// Factor uniform in [max(0, 1 − x), 1 + x].
        brightness: f64,
        /// Factor uniform in [max(0, 1 − x), 1 + x].
        contrast: f64,
        /// Factor uniform in [max(0, 1 − x), 1 + x].
        saturation: f64,
        /// Rotation of the colour wheel, uniform in [−x, x]; x is at most 0.5.
        hue: f64,
    },
    /// One of the eight symmetries of a square, uniformly.
    Dihedral {},
}

/// A named list of operations that are applied in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AugmentPolicy {
    /// Name of the policy.
    pub name: String,
    /// How pixels beyond the border of the image are filled.
    #[serde(default)]
    pub padding: Padding,
    /// The operations, in order.
    pub steps: Vec<Augmentation>,
}

impl AugmentPolicy {
    /// The paper's policy: flip, random resized crop with scale in [0.8, 1.2], brightness 0.2,
    /// contrast 0.5, saturation 0.1, hue 0.1.
    #[must_use]
    pub fn paper() -> Self {
        Self {
            name: "paper".to_owned(),
            padding: Padding::Reflect,
            steps: vec![
                Augmentation::HorizontalFlip { probability: 0.5 },
                Augmentation::RandomResizedCrop {
                    scale: [0.8, 1.2],
                    ratio: [3.0 / 4.0, 4.0 / 3.0],
                },
                Augmentation::ColourJitter {
                    brightness: 0.2,
                    contrast: 0.5,
                    saturation: 0.1,
                    hue: 0.1,
                },
            ],
        }
    }

    /// Checks the parameters of every step.
    ///
    /// # Errors
    /// [`ImageError::SettingOutOfRange`] for the first parameter outside its range.
    pub fn check(&self) -> Result<(), ImageError> {
        self.steps.iter().try_for_each(Augmentation::check)
    }
}

impl Augmentation {
    fn check(&self) -> Result<(), ImageError> {
        match self {
            Self::HorizontalFlip { probability } => {
                within("flip probability", *probability, [0.0, 1.0], "from 0 to 1")
            }
            Self::RandomResizedCrop { scale, ratio } => {
                let scales = "ascending, from 0.001 to 4";
                ascending("crop scale", *scale, [1e-3, 4.0], scales)?;
                let ratios = "ascending, from 0.1 to 10";
                ascending("crop ratio", *ratio, [0.1, 10.0], ratios)
            }
            Self::ColourJitter {
                brightness,
                contrast,
                saturation,
                hue,
            } => {
                let factors = [
                    ("jitter brightness", brightness),
                    ("jitter contrast", contrast),
                    ("jitter saturation", saturation),
                ];
                for (setting, value) in factors {
                    within(setting, *value, [0.0, 10.0], "from 0 to 10")?;
                }
                within("jitter hue", *hue, [0.0, 0.5], "from 0 to 0.5")
            }
            Self::Dihedral {} => Ok(()),
        }
    }
}

fn within(
    setting: &'static str,
    value: f64,
    [low, high]: [f64; 2],
    allowed: &'static str,
) -> Result<(), ImageError> {
    match (low..=high).contains(&value) {
        true => Ok(()),
        false => Err(ImageError::setting(setting, value, allowed)),
    }
}

fn ascending(
    setting: &'static str,
    [first, second]: [f64; 2],
    range: [f64; 2],
    allowed: &'static str,
) -> Result<(), ImageError> {
    within(setting, first, range, allowed)?;
    within(setting, second, [first, range[1]], allowed)
}
