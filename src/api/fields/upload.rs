//! A form with the parts `image`, `nuclei` and `accession`.

use axum::{body::Bytes, extract::Request};
use serde::Deserialize;
use utoipa::ToSchema;

use super::nuclei::{self, Nucleus};
use crate::api::{
    form::{self, Form, OVERHEAD_BYTES},
    openapi::ImageBytes,
    predictions::{accession_of_headers, accession_of_part, image_missing, image_too_large},
    problem::{Problem, ProblemKind},
    service::Service,
    upload_memory::UploadShare,
};

/// Ten times CRIC's whole table.
const MAX_NUCLEI_BYTES: usize = 5_000_000;
const HINT: &str = "send a form with the parts `image` and `nuclei`";
const ONE_FIELD: &str = "send one field per request";

/// A form with a field and its nuclei.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(
    dead_code,
    reason = "only its description is used: the form is read part by part"
)]
pub struct MultipartField {
    /// The encoded field; its first bytes decide the format.
    image: ImageBytes,
    /// Where the nuclei are, in pixels of the field from its upper left corner: JSON such as
    /// `[{"id": "1", "x": 200, "y": 150}]`, or CSV with the columns `cell_id`, `nucleus_x` and `nucleus_y`. Of a table with
    /// the column `image_filename` and several images, the rows of the image's file name are taken.
    #[schema(example = r#"[{"id": "1", "x": 70, "y": 70}]"#)]
    nuclei: String,
    /// An identifier of the specimen, passed through to the answers and never logged.
    #[schema(nullable = false, max_length = 256)]
    accession: Option<String>,
}

pub(super) struct FieldUpload {
    pub(super) image: Bytes,
    pub(super) nuclei: Vec<Nucleus>,
    pub(super) accession: Option<String>,
}

impl FieldUpload {
    /// Reads a form to its end. Parts that are unknown, repeated or missing are refused.
    pub(super) async fn read(
        request: Request,
        service: &Service,
        share: &UploadShare,
    ) -> Result<Self, Problem> {
        if !form::is_form(request.headers()) {
            return Err(form::no_form(HINT));
        }
        let in_header = accession_of_headers(request.headers())?;
        let limit = service.max_image_bytes();
        let max_bytes = limit.saturating_add(MAX_NUCLEI_BYTES + OVERHEAD_BYTES);
        let count = service.counting(share);
        let mut form = Form::open(request, max_bytes, image_too_large(limit), count).await?;
        let (mut image, mut nuclei, mut accession) = (None, None, None);
        let mut file_name = None;
        while let Some(mut part) = form.next_part().await? {
            let name = part.name().unwrap_or_default().to_owned();
            match name.as_str() {
                "image" => {
                    file_name = part.file_name().map(str::to_owned);
                    let bytes = form::read_part(&mut part, limit).await?;
                    let bytes = bytes.ok_or_else(|| image_too_large(limit))?;
                    form::store(&mut image, bytes, &name, ONE_FIELD)?;
                }
                "nuclei" => {
                    let bytes = form::read_part(&mut part, MAX_NUCLEI_BYTES).await?;
                    let bytes = bytes.ok_or_else(nuclei_too_large)?;
                    form::store(&mut nuclei, bytes, &name, ONE_FIELD)?;
                }
                "accession" => {
                    let found = accession_of_part(&mut part).await?;
                    form::store(&mut accession, found, &name, ONE_FIELD)?;
                }
                _ => {
                    let known = "`image`, `nuclei` and `accession`";
                    return Err(form::unknown_part(&name, known));
                }
            }
        }
        let image = image.filter(|bytes: &Bytes| !bytes.is_empty());
        let image = image.ok_or_else(|| {
            image_missing("the form has no part `image`, or it is empty").hint(HINT)
        })?;
        let nuclei = nuclei.ok_or_else(nuclei::missing)?;
        Ok(Self {
            image,
            nuclei: nuclei::read(&nuclei, file_name.as_deref(), service.max_cells())?,
            accession: accession.or(in_header),
        })
    }
}

fn nuclei_too_large() -> Problem {
    let detail = format!("the nuclei have more than {MAX_NUCLEI_BYTES} bytes");
    Problem::new(ProblemKind::BodyTooLarge, detail)
        .field("nuclei")
        .hint("send only the nuclei of this field")
}
