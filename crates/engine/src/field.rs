//! Fields: decoded once, and the edge of the square that is cut around each nucleus.

use std::sync::Arc;

use bytes::Bytes;

use super::{Engine, EngineError, Model, Warning};
use imaging::{CellImage, MAX_OUTPUT_EDGE, decode};

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

impl Engine {
    /// Decodes a field.
    ///
    /// # Errors
    /// [`EngineError::Image`]
    pub async fn decode_field(&self, upload: Bytes) -> Result<Arc<CellImage>, EngineError> {
        let limits = self.shared.place.limits;
        self.on_a_core(move || Ok(Arc::new(decode(&upload, &limits)?)))
            .await
    }
}

impl Model {
    /// The edge in pixels of a field of this scale of the square that the bundle was trained on.
    ///
    /// # Errors
    /// [`EngineError::Scale`] when the bundle does not say how large its pixels are, or theirs and the field's are too far
    /// apart.
    pub fn crop_edge(&self, scale: FieldScale) -> Result<u32, EngineError> {
        let input = &self.manifest().input;
        let ratio = match scale {
            FieldScale::Assumed => return Ok(input.crop_edge_px),
            FieldScale::MicrometresPerPixel(size) => input
                .micrometres_per_pixel
                .map(|trained_on| trained_on / size),
            FieldScale::SourceWidth(width) => input
                .source_width_px
                .map(|trained_on| f64::from(width) / f64::from(trained_on)),
        };
        let refusal = |reason: &str| EngineError::Scale {
            field: scale.name(),
            reason: format!("model `{}` {reason}", self.name()),
        };
        let ratio = ratio.ok_or_else(|| refusal(scale.unknown()))?;
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

    /// What is to be said of a field whose scale nobody gave and whose width is not that of the bundle's fields.
    pub fn field_warning(&self, field: &CellImage, scale: FieldScale) -> Option<Warning> {
        let trained_on = self.manifest().input.source_width_px?;
        let fits = field.width() == trained_on || scale != FieldScale::Assumed;
        (!fits).then_some(Warning::ScaleAssumed {
            width: field.width(),
            trained_on,
        })
    }
}

impl FieldScale {
    /// The parameter that it comes from.
    fn name(self) -> &'static str {
        match self {
            Self::Assumed => "",
            Self::MicrometresPerPixel(_) => "micrometres_per_pixel",
            Self::SourceWidth(_) => "source_width_px",
        }
    }

    /// What a bundle lacks that cannot be compared with it.
    fn unknown(self) -> &'static str {
        match self {
            Self::SourceWidth(_) => {
                "does not say how wide the fields of its training were: leave the parameter out and rescale the field"
            }
            _ => {
                "does not say how large the pixels of its training were: give `source_width_px`, or rescale the field"
            }
        }
    }
}
