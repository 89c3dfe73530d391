//! The one kind of picture that the rest of the service sees.

use std::io::Cursor;

use image::{ImageFormat, RgbImage};

use super::ImageError;

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

    /// The same pixels as a PNG file.
    ///
    /// # Errors
    /// [`ImageError::Unencodable`], which only an image without pixels gives.
    pub fn to_png(&self) -> Result<Vec<u8>, ImageError> {
        let mut file = Cursor::new(Vec::new());
        let written = self.0.write_to(&mut file, ImageFormat::Png);
        written.map_err(|error| ImageError::Unencodable {
            reason: error.to_string(),
        })?;
        Ok(file.into_inner())
    }

    /// Gives the pixels away.
    #[must_use]
    pub fn into_rgb(self) -> RgbImage {
        self.0
    }
}
