//! How large the pixels of a field are, and with that the square that is cut around each nucleus.

use crate::{EngineError, LoadedModel};
use imaging::MAX_OUTPUT_EDGE;

/// Fields whose pixels are this many times larger or smaller than those of training are not rescaled any more.
const LARGEST_SCALE: f64 = 8.0;

/// How large the pixels of a field are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum FieldScale {
    /// As large as in the fields that the bundle was trained on.
    #[default]
    Assumed,
    /// The size of a pixel.
    MicrometresPerPixel(f64),
    /// The width in pixels that a whole field has at this scale.
    SourceWidth(u32),
}

impl FieldScale {
    /// The edge of the square that the bundle was trained on, in pixels of a field of this scale.
    ///
    /// # Errors
    /// [`EngineError::Scale`] when the bundle does not say how large its pixels are, or theirs and the field's are too far
    /// apart.
    pub fn crop_edge(self, model: &LoadedModel) -> Result<u32, EngineError> {
        let input = &model.manifest().input;
        let (field, ratio, unknown) = match self {
            Self::Assumed => return Ok(input.crop_edge_px),
            Self::MicrometresPerPixel(size) => (
                "micrometres_per_pixel",
                input
                    .micrometres_per_pixel
                    .map(|trained_on| trained_on / size),
                "does not say how large the pixels of its training were: give `source_width_px`, or rescale the field",
            ),
            Self::SourceWidth(width) => (
                "source_width_px",
                input
                    .source_width_px
                    .map(|trained_on| f64::from(width) / f64::from(trained_on)),
                "does not say how wide the fields of its training were: leave the parameter out and rescale the field",
            ),
        };
        let refusal = |reason: &str| EngineError::Scale {
            field,
            reason: format!("model `{}` {reason}", model.name()),
        };
        let ratio = ratio.ok_or_else(|| refusal(unknown))?;
        if !(1.0 / LARGEST_SCALE..=LARGEST_SCALE).contains(&ratio) {
            return Err(refusal(
                "was trained on pixels of quite another size: check the number, or rescale the field",
            ));
        }
        // Between an eighth of and eight times an edge that the bundle's check has found to be small.
        let edge = (f64::from(input.crop_edge_px) * ratio).round().max(1.0) as u32;
        if edge > MAX_OUTPUT_EDGE {
            return Err(refusal(&format!(
                "would need squares of {edge} px, and {MAX_OUTPUT_EDGE} are the most: check the number, or rescale the field"
            )));
        }
        Ok(edge)
    }
}
