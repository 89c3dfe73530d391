//! The request about a field: the query of a prediction, the field's scale, and the form.

use axum::{extract::FromRequestParts, http::request::Parts};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::api::{problem::Problem, query::PredictionQuery, upload::ImageBytes};
use engine::FieldScale;

const MICROMETRES: &str = "micrometres_per_pixel";
const WIDTH: &str = "source_width_px";
/// Wider than any field.
const LARGEST_WIDTH: u32 = 1_000_000;

/// The scale of the field. Default: the scale of the model's training.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(
    dead_code,
    reason = "only its description is used: see FieldQuery::parse"
)]
pub struct ScaleQuery {
    /// Size of a pixel of the field in micrometres. The model must know the pixel size of its
    /// training.
    #[param(nullable = false, exclusive_minimum = 0)]
    micrometres_per_pixel: Option<f64>,
    /// Width in pixels of a whole microscope field at the scale of this image. Send it if the image
    /// is a part of a field or has another scale.
    #[param(nullable = false, minimum = 1, maximum = 1_000_000, format = Int32)]
    source_width_px: Option<u32>,
}

/// A form with a field and its nuclei.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(
    dead_code,
    reason = "only its description is used: the form is read part by part"
)]
pub struct MultipartField {
    /// The encoded field. Its first bytes decide the format.
    image: ImageBytes,
    /// The positions of the nuclei in pixels, from the upper left corner of the field. Either JSON
    /// such as `[{"id": "1", "x": 200, "y": 150}]`, or CSV with the columns `cell_id`, `nucleus_x`
    /// and `nucleus_y`. If a table has a column `image_filename` with several images, only the rows
    /// of the uploaded file's name count.
    #[schema(example = r#"[{"id": "1", "x": 70, "y": 70}]"#)]
    nuclei: String,
    /// Identifier of the specimen. It is copied to the answers and never logged.
    #[schema(nullable = false, max_length = 256)]
    accession: Option<String>,
}

/// The query of a field.
#[derive(Clone, Debug, Default)]
pub struct FieldQuery {
    /// The query of each cell.
    pub cells: PredictionQuery,
    /// The scale of the field.
    pub scale: FieldScale,
}

impl FieldQuery {
    /// Reads a query string such as `method=tta&source_width_px=1376`.
    ///
    /// # Errors
    /// A [`Problem`] with status 422 that names the parameter.
    pub fn parse(query: &str) -> Result<Self, Problem> {
        let mut scale = FieldScale::Assumed;
        let mut of_cells = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let given = match name.as_ref() {
                MICROMETRES => micrometres(&value)?,
                WIDTH => width(&value)?,
                _ => {
                    of_cells.append_pair(&name, &value);
                    continue;
                }
            };
            if scale != FieldScale::Assumed {
                let problem = Problem::parameter(&name, "the scale of the field is there twice");
                return Err(problem.hint(format!("send either `{MICROMETRES}` or `{WIDTH}`, once")));
            }
            scale = given;
        }
        Ok(Self {
            cells: PredictionQuery::parse(&of_cells.finish())?,
            scale,
        })
    }
}

impl<State: Sync> FromRequestParts<State> for FieldQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, Problem> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}

fn micrometres(text: &str) -> Result<FieldScale, Problem> {
    let size = text.parse::<f64>().ok();
    let size = size.filter(|size| size.is_finite() && *size > 0.0);
    size.map(FieldScale::MicrometresPerPixel).ok_or_else(|| {
        let detail = format!("`{MICROMETRES}`: expected a number above 0, found `{text}`");
        Problem::parameter(MICROMETRES, detail)
            .hint("send the size of one pixel in micrometres, such as 0.25")
    })
}

fn width(text: &str) -> Result<FieldScale, Problem> {
    let width = text.parse::<u32>().ok();
    let width = width.filter(|width| (1..=LARGEST_WIDTH).contains(width));
    width.map(FieldScale::SourceWidth).ok_or_else(|| {
        let detail =
            format!("`{WIDTH}`: expected a whole number from 1 to {LARGEST_WIDTH}, found `{text}`");
        Problem::parameter(WIDTH, detail)
            .hint("send the width of the whole microscope field in pixels, such as 1376")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn scale_and_cell_parameters_are_read() {
        let query = FieldQuery::parse("method=tta&source_width_px=1376&compare=baseline").unwrap();
        assert_eq!(query.scale, FieldScale::SourceWidth(1376));
        assert_eq!(query.cells.compare.len(), 1);
        let query = FieldQuery::parse("micrometres_per_pixel=0.25").unwrap();
        assert_eq!(query.scale, FieldScale::MicrometresPerPixel(0.25));
        assert_eq!(FieldQuery::parse("").unwrap().scale, FieldScale::Assumed);
    }

    #[test]
    fn impossible_scales_are_named() {
        let cases = [
            ("micrometres_per_pixel=0", MICROMETRES),
            ("micrometres_per_pixel=NaN", MICROMETRES),
            ("micrometres_per_pixel=fine", MICROMETRES),
            ("source_width_px=-1", WIDTH),
            ("source_width_px=1.5", WIDTH),
            ("source_width_px=1&source_width_px=2", WIDTH),
            ("source_width_px=1&micrometres_per_pixel=1", MICROMETRES),
            ("colour=red", "colour"),
        ];
        for (query, field) in cases {
            let body = FieldQuery::parse(query).unwrap_err().body("id");
            assert_eq!(
                (body.status, body.field.as_deref()),
                (422, Some(field)),
                "{query}"
            );
        }
    }
}
