//! What is done to a picture, as a bundle's manifest names it.

use super::super::{ImageError, Padding};
use serde::{Deserialize, Serialize};

/// One random change, with its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Augmentation {
    /// Mirrors left and right.
    HorizontalFlip {
        /// How often, in [0, 1].
        probability: f64,
    },
    /// Cuts a rectangle at a random place and resizes it to the size of the view.
    ///
    /// Area and aspect are drawn as torchvision's `RandomResizedCrop` does. It draws again where the rectangle is larger than
    /// the image; here the image lies at a random place within the rectangle and the rest is padded.
    RandomResizedCrop {
        /// Smallest and largest area of the rectangle, as a part of the image's; from 0.001 to 4.
        scale: [f64; 2],
        /// Smallest and largest width over height, drawn uniformly in their logarithm; from 0.1 to 10.
        ratio: [f64; 2],
    },
    /// Brightness, contrast, saturation and hue, in a random order (torchvision's `ColorJitter`). A zero leaves one out.
    ColourJitter {
        /// Factor uniform in [max(0, 1 − x), 1 + x].
        brightness: f64,
        /// Factor uniform in [max(0, 1 − x), 1 + x].
        contrast: f64,
        /// Factor uniform in [max(0, 1 − x), 1 + x].
        saturation: f64,
        /// Turn of the colour wheel uniform in [−x, x]; at most 0.5.
        hue: f64,
    },
    /// One of the eight turns and reflections of a square, uniformly.
    Dihedral {},
}

/// A named list of changes, made one after the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AugmentPolicy {
    /// What people call it.
    pub name: String,
    /// What lies beyond the border of the picture.
    #[serde(default)]
    pub padding: Padding,
    /// The changes, in order.
    pub steps: Vec<Augmentation>,
}

impl AugmentPolicy {
    /// The paper's: flip, random resized crop with scale in [0.8, 1.2], brightness 0.2, contrast 0.5, saturation 0.1, hue 0.1.
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
    /// [`ImageError::SettingOutOfRange`] names the first that is outside its range.
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
