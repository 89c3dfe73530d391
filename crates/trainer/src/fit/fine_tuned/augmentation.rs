//! Training views: the same cell turned, mirrored, scaled, shifted and recoloured, differently each
//! time.

use rand_chacha::rand_core::RngCore;
use serde::{Deserialize, Serialize};

use super::pictures::{Affine, CellSource, warp};
use crate::{TrainingError, error::ensure, random};
use imaging::Normalisation;

/// The limits of random views. Factors are drawn log-uniformly: 1.2 means from 1/1.2 to 1.2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingAugmentation {
    /// Factor on the size of the area that is shown.
    pub scale: f32,
    /// Factor on width over height.
    pub aspect: f32,
    /// Shift along each axis, in pixels of the crop.
    pub shift: f32,
    /// Factor on the distance of each pixel from its grey.
    pub saturation: f32,
    /// Factor on the distance of each pixel from the view's mean grey.
    pub contrast: f32,
    /// Factor on all values.
    pub brightness: f32,
    /// Factor on each channel separately.
    pub gain: f32,
}

impl Default for TrainingAugmentation {
    /// Limits that worked on CRIC; the colours change by e^±.3, e^±.2, e^±.15 and e^±.08.
    fn default() -> Self {
        Self {
            scale: 1.2,
            aspect: 1.08,
            shift: 5.0,
            saturation: 0.3_f32.exp(),
            contrast: 0.2_f32.exp(),
            brightness: 0.15_f32.exp(),
            gain: 0.08_f32.exp(),
        }
    }
}

impl TrainingAugmentation {
    /// Refuses limits that nothing can be drawn from.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] with the name of the setting.
    pub fn check(&self) -> Result<(), TrainingError> {
        let factors = [
            ("scale", self.scale),
            ("aspect", self.aspect),
            ("saturation", self.saturation),
            ("contrast", self.contrast),
            ("brightness", self.brightness),
            ("gain", self.gain),
        ];
        for (name, factor) in factors {
            ensure!(
                factor.is_finite() && factor >= 1.0,
                "augmentation.{name} must be at least 1 (1 = no change), found {factor}"
            );
        }
        let shift = self.shift;
        ensure!(
            shift.is_finite() && shift >= 0.0,
            "augmentation.shift must be at least 0 pixels, found {shift}"
        );
        Ok(())
    }

    /// Draws a view: any turn, mirrored half of the time, and the rest within the limits.
    pub fn draw(&self, random: &mut impl RngCore) -> View {
        let turn = random::unit(random) * std::f32::consts::TAU;
        let mirrored = random::unit(random) < 0.5;
        let (scale, aspect) = (factor(random, self.scale), factor(random, self.aspect));
        let shift = [0; 2].map(|_| between(random, self.shift));
        let saturation = factor(random, self.saturation);
        let contrast = factor(random, self.contrast);
        let brightness = factor(random, self.brightness);
        View {
            turn,
            mirrored,
            scale: [scale * aspect.sqrt(), scale / aspect.sqrt()],
            shift,
            saturation,
            contrast,
            gains: [0; 3].map(|_| brightness * factor(random, self.gain)),
        }
    }
}

/// Log-uniform from 1/`limit` to `limit`.
fn factor(random: &mut impl RngCore, limit: f32) -> f32 {
    between(random, limit.ln()).exp()
}

fn between(random: &mut impl RngCore, limit: f32) -> f32 {
    (2.0 * random::unit(random) - 1.0) * limit
}

/// One random view.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    turn: f32,
    mirrored: bool,
    scale: [f32; 2],
    shift: [f32; 2],
    saturation: f32,
    contrast: f32,
    gains: [f32; 3],
}

/// Weights of red, green and blue in the grey of a pixel (ITU-R BT.601).
const GREY: [f32; 3] = [0.299, 0.587, 0.114];

impl View {
    /// The unaltered crop as the server shows it to the trunk, except that a view sees the field
    /// beyond the crop's border.
    pub fn plain() -> Self {
        Self {
            turn: 0.0,
            mirrored: false,
            scale: [1.0; 2],
            shift: [0.0; 2],
            saturation: 1.0,
            contrast: 1.0,
            gains: [1.0; 3],
        }
    }

    /// Fills `planes`, f32 `[3, size, size]`, with the view of a cell, normalised for the trunk.
    pub fn render(
        &self,
        source: &CellSource,
        size: usize,
        normalisation: &Normalisation,
        planes: &mut [f32],
    ) {
        warp(source, &self.affine(source, size), size, planes);
        self.colour(normalisation, planes);
    }

    /// Scales and mirrors about the crop's centre, then turns, then shifts.
    fn affine(&self, source: &CellSource, size: usize) -> Affine {
        let (sine, cosine) = self.turn.sin_cos();
        let width = source.extent[0] * self.scale[0] * if self.mirrored { -1.0 } else { 1.0 };
        let height = source.extent[1] * self.scale[1];
        let (right, below) = (width / size as f32, height / size as f32);
        let across = [cosine * right, sine * right];
        let down = [-sine * below, cosine * below];
        let half = size as f32 / 2.0;
        let corner = |axis: usize| {
            source.centre[axis] + self.shift[axis] - half * (across[axis] + down[axis])
        };
        Affine {
            origin: [corner(0), corner(1)],
            across,
            down,
        }
    }

    /// Applies saturation, contrast, brightness and gains, clamps to the range of a byte, then
    /// normalises.
    fn colour(&self, normalisation: &Normalisation, planes: &mut [f32]) {
        let area = planes.len() / 3;
        let (red, rest) = planes.split_at_mut(area);
        let (green, blue) = rest.split_at_mut(area);
        let mean_of = |plane: &[f32]| plane.iter().sum::<f32>() / area.max(1) as f32;
        // A change of saturation keeps every grey value, and so their mean.
        let mean = grey([mean_of(red), mean_of(green), mean_of(blue)]);
        let pixels = red.iter_mut().zip(green).zip(blue);
        for ((red, green), blue) in pixels {
            let grey = grey([*red, *green, *blue]);
            for (channel, value) in [red, green, blue].into_iter().enumerate() {
                let saturated = grey + self.saturation * (*value - grey);
                let contrasted = mean + self.contrast * (saturated - mean);
                let byte = (contrasted * self.gains[channel]).clamp(0.0, 255.0);
                *value = (byte * normalisation.scale - normalisation.mean[channel])
                    / normalisation.std[channel];
            }
        }
    }
}

fn grey(colour: [f32; 3]) -> f32 {
    colour
        .iter()
        .zip(GREY)
        .map(|(value, share)| value * share)
        .sum()
}
