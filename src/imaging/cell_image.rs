//! The one kind of picture that the rest of the service sees.

use image::RgbImage;

/// A picture of a cell or of a whole field: 8-bit RGB, upright, rows from top to bottom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellImage(RgbImage);

impl CellImage {
    /// Takes pixels that are already upright 8-bit RGB.
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

    /// Gives the pixels away.
    #[must_use]
    pub fn into_rgb(self) -> RgbImage {
        self.0
    }
}
