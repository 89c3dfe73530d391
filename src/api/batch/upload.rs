//! A form with many parts `image`.

use axum::{body::Bytes, extract::Request};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::{
    form::{self, Form, OVERHEAD_BYTES},
    openapi::ImageBytes,
    predictions::{accession_of_headers, accession_of_part, image_missing, image_too_large},
    problem::{Problem, ProblemKind},
    service::Service,
    upload_memory::UploadShare,
};

/// Headers and boundary of one part.
const OVERHEAD_OF_PART_BYTES: usize = 1024;
const HINT: &str = "send a form with a part `image` for each crop";

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

/// A crop as it was sent, or why it cannot be looked at.
pub(super) struct Item {
    pub(super) file_name: Option<String>,
    pub(super) image: Result<Bytes, Problem>,
}

pub(super) struct Batch {
    pub(super) items: Vec<Item>,
    pub(super) accession: Option<String>,
}

impl Batch {
    /// Reads a batch to its end. A crop that is empty or too large keeps its problem to itself.
    pub(super) async fn read(
        request: Request,
        service: &Service,
        share: &UploadShare,
    ) -> Result<Self, Problem> {
        if !form::is_form(request.headers()) {
            return Err(form::no_form(HINT));
        }
        let mut accession = None;
        let in_header = accession_of_headers(request.headers())?;
        let overhead = service.max_cells().saturating_mul(OVERHEAD_OF_PART_BYTES);
        let max_bytes = service.max_batch_bytes().saturating_add(OVERHEAD_BYTES);
        let max_bytes = max_bytes.saturating_add(overhead);
        let too_large = batch_too_large(service.max_batch_bytes());
        let mut form = Form::open(request, max_bytes, too_large, service.counting(share)).await?;
        let mut items = Vec::new();
        let mut left = service.max_batch_bytes();
        while let Some(mut part) = form.next_part().await? {
            let name = part.name().unwrap_or_default().to_owned();
            match name.as_str() {
                "image" if items.len() >= service.max_cells() => {
                    return Err(too_many(service.max_cells()));
                }
                "image" => {
                    let file_name = part.file_name().map(str::to_owned);
                    let limit = service.max_image_bytes().min(left);
                    let image = form::read_part(&mut part, limit).await?;
                    let too_large = || batch_too_large(service.max_batch_bytes());
                    if image.is_none() && limit == left {
                        return Err(too_large());
                    }
                    if image.is_none() {
                        form::skip(&mut part).await?.ok_or_else(too_large)?;
                    }
                    let image = checked(image, limit);
                    left = left.saturating_sub(image.as_ref().map_or(limit, Bytes::len));
                    items.push(Item { file_name, image });
                }
                "accession" => {
                    let found = accession_of_part(&mut part).await?;
                    form::store(&mut accession, found, &name, "send one for all crops")?;
                }
                _ => {
                    return Err(form::unknown_part(
                        &name,
                        "`image`, repeated, and `accession`",
                    ));
                }
            }
        }
        if items.is_empty() {
            return Err(image_missing("the form has no part `image`").hint(HINT));
        }
        Ok(Self {
            items,
            accession: accession.or(in_header),
        })
    }
}

fn checked(image: Option<Bytes>, limit: usize) -> Result<Bytes, Problem> {
    match image {
        Some(image) if image.is_empty() => Err(image_missing("the part is empty")),
        Some(image) => Ok(image),
        None => Err(image_too_large(limit)),
    }
}

fn batch_too_large(limit: usize) -> Problem {
    let detail = format!("the images have more than {limit} bytes together");
    Problem::new(ProblemKind::BodyTooLarge, detail)
        .field("image")
        .hint("send several smaller batches, or ask whoever runs this server to raise limits.max_batch_bytes")
}

fn too_many(limit: usize) -> Problem {
    let detail = format!("the form has more than {limit} images");
    Problem::new(ProblemKind::TooManyCells, detail)
        .field("image")
        .hint("send several smaller batches, or ask whoever runs this server to raise limits.max_cells")
}
