//! What is sent in a batch.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::upload::ImageBytes;

/// A form with many images.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(
    dead_code,
    reason = "only its description is used: the form is read part by part"
)]
pub struct MultipartBatch {
    /// The encoded crops, a part `image` for each; the first bytes decide each one's format.
    #[schema(min_items = 1)]
    image: Vec<ImageBytes>,
    /// An identifier of the specimen, passed through to the answers and never logged.
    #[schema(nullable = false, max_length = 256)]
    accession: Option<String>,
}
