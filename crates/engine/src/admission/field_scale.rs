//! The pixel size of a field, and the edge of its crops.

use crate::{EngineError, LoadedModel};
use imaging::MAX_OUTPUT_EDGE;

/// Fields with pixels that are more than this many times larger or smaller than in training are
/// refused.
const LARGEST_SCALE: f64 = 8.0;

/// The pixel size of a field.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum FieldScale {
    /// The same as in the bundle's training fields.
    #[default]
    Assumed,
    /// Size of a pixel in micrometres.
    MicrometresPerPixel(f64),
    /// Width in pixels of a whole field at this scale.
    SourceWidth(u32),
}

impl FieldScale {
    /// The edge of the bundle's crops, in pixels of a field with this scale.
    ///
    /// # Errors
    /// [`EngineError::Scale`] if the bundle does not say its pixel size, or if the field's differs
    /// too much from it.
    pub fn crop_edge(self, model: &LoadedModel) -> Result<u32, EngineError> {
        let input = &model.manifest().input;
        let (field, ratio, unknown) = match self {
            Self::Assumed => return Ok(input.crop_edge_px),
            Self::MicrometresPerPixel(size) => (
                "micrometres_per_pixel",
                input
                    .micrometres_per_pixel
                    .map(|trained_on| trained_on / size),
                "does not state the pixel size of its training images: use `source_width_px`, or rescale the field",
            ),
            Self::SourceWidth(width) => (
                "source_width_px",
                input
                    .source_width_px
                    .map(|trained_on| f64::from(width) / f64::from(trained_on)),
                "does not state the width of its training fields: omit the parameter and rescale the field",
            ),
        };
        let refusal = |reason: &str| EngineError::Scale {
            field,
            reason: format!("model `{}` {reason}", model.name()),
        };
        let ratio = ratio.ok_or_else(|| refusal(unknown))?;
        if !(1.0 / LARGEST_SCALE..=LARGEST_SCALE).contains(&ratio) {
            return Err(refusal(
                "was trained on pixels of a very different size (more than 8 times larger or smaller): check the number, or rescale the field",
            ));
        }
        // Between 1/8 and 8 times an edge that the bundle's check has limited.
        let edge = (f64::from(input.crop_edge_px) * ratio).round().max(1.0) as u32;
        if edge > MAX_OUTPUT_EDGE {
            return Err(refusal(&format!(
                "would need crops of {edge} px, and at most {MAX_OUTPUT_EDGE} px are possible: check the number, or rescale the field"
            )));
        }
        Ok(edge)
    }
}
