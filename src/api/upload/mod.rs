//! The upload of a request: images, nuclei and an accession, as a form or, for one cell, as the raw
//! body.

mod form;
mod image;
mod memory;
mod nuclei;

use axum::{
    body::Bytes,
    extract::{Request, multipart::Field},
    http::HeaderMap,
};
use serde::Deserialize;
use utoipa::ToSchema;

use self::{form::Form, image::FORMATS_HINT};
use super::{
    problem::{Problem, ProblemKind},
    service::Service,
};

pub(super) use form::OVERHEAD_BYTES;
pub(super) use memory::{NoRoom, UploadMemory, UploadShare, WatchedBody, refusal};
pub(super) use nuclei::Nucleus;

const ACCESSION_HEADER: &str = "x-accession";
const ACCESSION_CHARACTERS: usize = 256;

/// Headers and boundary of one part.
const OVERHEAD_OF_PART_BYTES: usize = 1024;

/// The encoded bytes of an image.
#[derive(Deserialize, ToSchema)]
#[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
#[allow(dead_code, reason = "only its description is used")]
pub(super) struct ImageBytes(Vec<u8>);

/// The upload of a request.
#[derive(Default)]
pub(super) struct Upload {
    /// One image; several for a batch.
    pub(super) images: Vec<SentImage>,
    nuclei: Option<Bytes>,
    /// From the form, or else from the headers.
    pub(super) accession: Option<String>,
}

/// An image as it was sent, or its problem.
pub(super) struct SentImage {
    pub(super) file_name: Option<String>,
    pub(super) bytes: Result<Bytes, Problem>,
}

/// The kind of a form, which decides its parts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FormParts {
    /// One cell: `image`, `accession`.
    Cell,
    /// Many cells: `image`, repeated, `accession`.
    Cells,
    /// A field: `image`, `nuclei`, `accession`.
    Field,
}

impl FormParts {
    fn known(self) -> &'static str {
        match self {
            Self::Cell => "`image` and `accession`",
            Self::Cells => "`image`, repeated, and `accession`",
            Self::Field => "`image`, `nuclei` and `accession`",
        }
    }

    /// What to do instead of sending a part twice.
    fn once(self) -> &'static str {
        match self {
            Self::Cell => "send one cell per request, or several to /v1/predictions:batch",
            Self::Cells => "send it once for all crops",
            Self::Field => "send one field per request",
        }
    }

    /// What to send.
    fn hint(self) -> &'static str {
        match self {
            Self::Cell => FORMATS_HINT,
            Self::Cells => "send a form with a part `image` for each crop",
            Self::Field => "send a form with the parts `image` and `nuclei`",
        }
    }

    /// Largest number of bytes of a whole form.
    fn max_bytes(self, service: &Service) -> usize {
        let further = match self {
            Self::Cell => service.limits.max_image_bytes,
            Self::Field => service
                .limits
                .max_image_bytes
                .saturating_add(nuclei::MAX_BYTES),
            Self::Cells => {
                let of_parts = service
                    .limits
                    .max_cells
                    .saturating_mul(OVERHEAD_OF_PART_BYTES);
                service.limits.max_batch_bytes.saturating_add(of_parts)
            }
        };
        further.saturating_add(OVERHEAD_BYTES)
    }

    /// The refusal of a larger form.
    fn too_large(self, service: &Service) -> Problem {
        match self {
            Self::Cell | Self::Field => image::too_large(service.limits.max_image_bytes),
            Self::Cells => batch_too_large(service.limits.max_batch_bytes),
        }
    }
}

impl Upload {
    /// Reads a form to its end. Unknown, repeated and missing parts are refused. In a batch a crop
    /// that is empty or too large gets a problem of its own.
    ///
    /// # Errors
    /// 400, 413, 415 or 422 with the part; 503 if upload memory is full.
    pub(super) async fn of_form(
        request: Request,
        parts: FormParts,
        service: &Service,
        share: &UploadShare,
    ) -> Result<Self, Problem> {
        if !image::is_form(request.headers()) {
            return Err(form::no_form(parts.hint()));
        }
        let in_header = accession_of_headers(request.headers())?;
        let (max_bytes, too_large) = (parts.max_bytes(service), parts.too_large(service));
        let mut form = Form::open(request, max_bytes, too_large, service.counting(share)).await?;
        let mut upload = Self::default();
        let mut left = service.limits.max_batch_bytes;
        while let Some(mut part) = form.next_part().await? {
            let name = part.name().unwrap_or_default().to_owned();
            let is_there = match name.as_str() {
                "image" if parts == FormParts::Cells => {
                    upload.add_crop(&mut part, service, &mut left).await?;
                    false
                }
                "image" => upload.add_image(&mut part, service).await?,
                "nuclei" if parts == FormParts::Field => {
                    let bytes = form::read_part(&mut part, nuclei::MAX_BYTES).await?;
                    let bytes = bytes.ok_or_else(nuclei::too_large)?;
                    upload.nuclei.replace(bytes).is_some()
                }
                "accession" => {
                    let found = form::accession_of_part(&mut part).await?;
                    upload.accession.replace(found).is_some()
                }
                _ => return Err(form::unknown_part(&name, parts.known())),
            };
            if is_there {
                return Err(form::twice(&name, parts.once()));
            }
        }
        upload.check(parts)?;
        upload.accession = upload.accession.or(in_header);
        Ok(upload)
    }

    /// The nuclei of a field.
    ///
    /// # Errors
    /// 400 if the part is missing, 413 for too many, 422 if they cannot be read.
    pub(super) fn nuclei(&self, service: &Service) -> Result<Vec<Nucleus>, Problem> {
        let text = self.nuclei.as_ref().ok_or_else(nuclei::missing)?;
        let image = self.images.first();
        let file_name = image.and_then(|image| image.file_name.as_deref());
        nuclei::read(text, file_name, service.limits.max_cells)
    }

    /// The only image.
    pub(super) fn into_image(self) -> Result<Bytes, Problem> {
        let image = self.images.into_iter().next();
        image.map_or_else(|| Ok(Bytes::new()), |image| image.bytes)
    }

    /// Adds the image; true if there was one already.
    async fn add_image(
        &mut self,
        part: &mut Field<'_>,
        service: &Service,
    ) -> Result<bool, Problem> {
        let limit = service.limits.max_image_bytes;
        let file_name = part.file_name().map(str::to_owned);
        let bytes = form::read_part(part, limit).await?;
        let bytes = Ok(bytes.ok_or_else(|| image::too_large(limit))?);
        self.images.push(SentImage { file_name, bytes });
        Ok(self.images.len() > 1)
    }

    /// Adds a crop. `left` is the number of bytes that further crops may have together.
    async fn add_crop(
        &mut self,
        part: &mut Field<'_>,
        service: &Service,
        left: &mut usize,
    ) -> Result<(), Problem> {
        if self.images.len() >= service.limits.max_cells {
            return Err(too_many(service.limits.max_cells));
        }
        let too_large = || batch_too_large(service.limits.max_batch_bytes);
        let file_name = part.file_name().map(str::to_owned);
        let limit = service.limits.max_image_bytes.min(*left);
        let bytes = match form::read_part(part, limit).await? {
            None if limit == *left => return Err(too_large()),
            None => {
                form::skip(part).await?.ok_or_else(too_large)?;
                Err(image::too_large(limit))
            }
            Some(bytes) if bytes.is_empty() => Err(image::missing("the part `image` is empty")),
            Some(bytes) => Ok(bytes),
        };
        let used = match &bytes {
            Ok(bytes) => bytes.len(),
            Err(_) => limit,
        };
        *left = left.saturating_sub(used);
        self.images.push(SentImage { file_name, bytes });
        Ok(())
    }

    fn check(&self, parts: FormParts) -> Result<(), Problem> {
        let is_empty = |image: &SentImage| image.bytes.as_ref().is_ok_and(Bytes::is_empty);
        let detail = match (self.images.first(), parts) {
            (None, FormParts::Cells) => "the form has no part `image`",
            (Some(_), FormParts::Cells) => return Ok(()),
            (Some(image), _) if !is_empty(image) => return Ok(()),
            _ => "the part `image` is missing or empty",
        };
        Err(image::missing(detail).hint(parts.hint()))
    }
}

fn batch_too_large(limit: usize) -> Problem {
    let detail = format!("the images have more than {limit} bytes together");
    Problem::new(ProblemKind::BodyTooLarge, detail)
        .field("image")
        .hint("send several smaller batches; the operator of this server can raise limits.max_batch_bytes")
}

fn too_many(limit: usize) -> Problem {
    let detail = format!("the form has more than {limit} images");
    Problem::new(ProblemKind::TooManyCells, detail)
        .field("image")
        .hint(
            "send several smaller batches; the operator of this server can raise limits.max_cells",
        )
}

/// Refuses an accession that is too long for an identifier.
pub(super) fn checked_accession(accession: Option<String>) -> Result<Option<String>, Problem> {
    match accession {
        Some(accession) if accession.chars().count() > ACCESSION_CHARACTERS => {
            Err(accession_too_long())
        }
        accession => Ok(accession),
    }
}

fn accession_too_long() -> Problem {
    let detail = format!("`accession` has more than {ACCESSION_CHARACTERS} characters");
    Problem::parameter("accession", detail).hint("send the identifier alone, such as S26-1234/A")
}

/// The accession in the headers.
fn accession_of_headers(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(ACCESSION_HEADER) else {
        return Ok(None);
    };
    match value.to_str() {
        // `to_str` accepts tabs.
        Ok(text) if !text.contains('\t') => Ok(Some(text.to_owned())),
        _ => {
            let detail = "`X-Accession`: expected printable ASCII characters";
            Err(Problem::new(ProblemKind::RequestMalformed, detail)
                .field("X-Accession")
                .hint("send other characters as the part `accession` of a form"))
        }
    }
}
