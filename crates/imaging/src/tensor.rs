//! The input tensor of a model: normalised pixels, one plane per colour, images one after the
//! other.

use super::{CellImage, ImageError, cell_image::check_output_size};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Colour planes of an image.
const CHANNELS: usize = 3;

/// Normalisation of a byte: (value · `scale` − `mean`) / `std`, per channel in the order red,
/// green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalisation {
    /// Factor on the byte, usually 1/255.
    pub scale: f32,
    /// Subtracted after scaling.
    pub mean: [f32; 3],
    /// Divisor after subtracting the mean; above 0.
    pub std: [f32; 3],
}

impl Normalisation {
    /// Checks that every byte gives a finite number.
    ///
    /// # Errors
    /// [`ImageError::SettingOutOfRange`] if a setting is not finite, or a standard deviation is not
    /// above 0.
    pub fn check(&self) -> Result<(), ImageError> {
        let out_of_range = |setting, value: f32, allowed| {
            Err(ImageError::setting(setting, f64::from(value), allowed))
        };
        if !self.scale.is_finite() {
            return out_of_range("scale", self.scale, "finite");
        }
        if let Some(&mean) = self.mean.iter().find(|mean| !mean.is_finite()) {
            return out_of_range("mean", mean, "finite");
        }
        let is_positive = |std: &f32| std.is_finite() && *std > 0.0;
        match self.std.iter().find(|std| !is_positive(std)) {
            Some(&std) => out_of_range("std", std, "finite and above 0"),
            None => Ok(()),
        }
    }
}

/// A batch of images, f32 [N, 3, H, W], contiguous.
#[derive(Debug, Clone, PartialEq)]
pub struct InputTensor {
    height: u32,
    width: u32,
    values: Vec<f32>,
}

impl InputTensor {
    /// An empty tensor for images of `height` x `width` pixels, with room for `images` of them.
    ///
    /// # Errors
    /// [`ImageError::InvalidSize`] if a side is 0 or above
    /// [`MAX_OUTPUT_EDGE`](super::MAX_OUTPUT_EDGE).
    pub fn with_capacity(height: u32, width: u32, images: usize) -> Result<Self, ImageError> {
        check_output_size(width, height)?;
        let mut tensor = Self {
            height,
            width,
            values: Vec::new(),
        };
        tensor
            .values
            .reserve(tensor.values_per_image().saturating_mul(images));
        Ok(tensor)
    }

    /// Appends an image of the tensor's size.
    ///
    /// # Errors
    /// [`ImageError::SizeMismatch`] for another size, and the errors of [`Normalisation::check`].
    pub fn push(
        &mut self,
        image: &CellImage,
        normalisation: &Normalisation,
    ) -> Result<(), ImageError> {
        normalisation.check()?;
        if (image.width(), image.height()) != (self.width, self.height) {
            return Err(ImageError::SizeMismatch {
                width: image.width(),
                height: image.height(),
                tensor_width: self.width,
                tensor_height: self.height,
            });
        }
        let plane_values = self.values_per_image() / CHANNELS;
        let start = self.values.len();
        self.values.resize(start + self.values_per_image(), 0.0);
        let (_, added) = self.values.split_at_mut(start);
        let planes = added.chunks_exact_mut(plane_values);
        let planes = planes.zip(normalisation.mean).zip(normalisation.std);
        for (channel, ((plane, mean), std)) in planes.enumerate() {
            let pixels = image.as_rgb().pixels();
            let colours = pixels.filter_map(|pixel| pixel.0.get(channel));
            for (value, colour) in plane.iter_mut().zip(colours) {
                *value = (f32::from(*colour) * normalisation.scale - mean) / std;
            }
        }
        Ok(())
    }

    /// Appends the normalised values of one image, `[3, H, W]`, row-major.
    ///
    /// # Errors
    /// [`ImageError::ValueCount`] if the number of values is not 3 · H · W.
    pub fn push_values(&mut self, values: &[f32]) -> Result<(), ImageError> {
        let expected = self.values_per_image();
        if values.len() != expected {
            return Err(ImageError::ValueCount {
                values: values.len(),
                expected,
            });
        }
        self.values.extend_from_slice(values);
        Ok(())
    }

    /// Removes all but the first `images`. Keeps the allocated memory.
    pub fn truncate(&mut self, images: usize) {
        let values = self.values_per_image().saturating_mul(images);
        self.values.truncate(values);
    }

    /// Appends images of zeros until there are `images`.
    pub fn pad_to(&mut self, images: usize) {
        let values = self.values_per_image().saturating_mul(images);
        if values > self.values.len() {
            self.values.resize(values, 0.0);
        }
    }

    /// Number of images, N.
    #[must_use]
    pub fn images(&self) -> usize {
        self.values.len() / self.values_per_image()
    }

    /// Height of the images in pixels, H.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Width of the images in pixels, W.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// [N, 3, H, W].
    #[must_use]
    pub fn shape(&self) -> [i64; 4] {
        // A Vec never has more than i64::MAX values.
        let images = i64::try_from(self.images()).unwrap_or(i64::MAX);
        [images, 3, i64::from(self.height), i64::from(self.width)]
    }

    /// The values in row-major order.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        &self.values
    }

    /// The values in row-major order, without a copy.
    #[must_use]
    pub fn into_vec(self) -> Vec<f32> {
        self.values
    }

    /// A copy of some of the images; `None` if the range is not within 0..[`images`](Self::images).
    #[must_use]
    pub fn slice(&self, images: Range<usize>) -> Option<Self> {
        let start = images.start.checked_mul(self.values_per_image())?;
        let end = images.end.checked_mul(self.values_per_image())?;
        Some(Self {
            height: self.height,
            width: self.width,
            values: self.values.get(start..end)?.to_vec(),
        })
    }

    fn values_per_image(&self) -> usize {
        CHANNELS * self.height as usize * self.width as usize
    }
}
