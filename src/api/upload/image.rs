//! One image: the raw body, or the part `image` of a form.

use axum::{
    body::{Bytes, HttpBody},
    extract::Request,
    http::{HeaderMap, header},
};
use bytes::BytesMut;
use futures_util::StreamExt;

use super::{FormParts, OVERHEAD_BYTES, SentImage, Upload, accession_of_headers};
use crate::api::{
    problem::{Problem, ProblemKind},
    service::Service,
};

pub(super) const FORMATS_HINT: &str = "send the bytes of a JPEG, PNG, TIFF, BMP or WebP file with its media type, or a form with the part `image`";

impl Upload {
    /// Reads one image. Its upload memory is released when the last copy is dropped.
    ///
    /// # Errors
    /// 400, 413, 415 or 422; 503 if upload memory is full.
    pub(in crate::api) async fn of_image(
        request: Request,
        service: &Service,
    ) -> Result<Self, Problem> {
        let accession = accession_of_headers(request.headers())?;
        let limit = service.limits.max_image_bytes;
        let is_form = is_form(request.headers());
        if !is_form {
            check_content_type(request.headers())?;
        }
        let overhead = if is_form { OVERHEAD_BYTES } else { 0 };
        if announced_bytes(&request) > limit.saturating_add(overhead) {
            return Err(too_large(limit));
        }
        let share = service.uploads.share();
        let mut upload = if is_form {
            Self::of_form(request, FormParts::Cell, service, &share).await?
        } else {
            let bytes = read_image(request, limit, service.counting(&share)).await?;
            let image = SentImage {
                file_name: None,
                bytes: Ok(bytes),
            };
            Self {
                images: vec![image],
                accession,
                ..Self::default()
            }
        };
        for image in &mut upload.images {
            if let Ok(bytes) = &mut image.bytes {
                *bytes = share.clone().of(std::mem::take(bytes));
            }
        }
        Ok(upload)
    }
}

/// The content type without its parameters, in lower case; empty if there is none.
pub(super) fn essence(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE);
    let value = value.and_then(|value| value.to_str().ok());
    let essence = value.unwrap_or_default().split(';').next();
    essence.unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether the body is a form, by its content type.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    essence(headers) == "multipart/form-data"
}

/// Clients mislabel images, so any image type is accepted. A type that is clearly something else is
/// refused before the body is read.
fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let essence = essence(headers);
    if essence.is_empty() || essence.starts_with("image/") || essence == "application/octet-stream"
    {
        return Ok(());
    }
    let hint = match essence.as_str() {
        "application/x-www-form-urlencoded" => {
            "with curl, add -H 'Content-Type: image/png', or send a form with -F image=@FILE"
        }
        _ => FORMATS_HINT,
    };
    let detail =
        format!("`Content-Type`: expected an image type such as image/png, found `{essence}`");
    Err(Problem::new(ProblemKind::UnsupportedMediaType, detail)
        .field("Content-Type")
        .hint(hint))
}

/// The length in the headers; 0 if they have none.
fn announced_bytes(request: &Request) -> usize {
    usize::try_from(request.body().size_hint().lower()).unwrap_or(usize::MAX)
}

async fn read_image(
    request: Request,
    limit: usize,
    mut count: impl FnMut(usize) -> Result<(), Problem>,
) -> Result<Bytes, Problem> {
    // Reserved memory that is never written costs nothing, so the announced length can be trusted.
    let mut image = BytesMut::with_capacity(announced_bytes(&request).min(limit));
    let mut chunks = request.into_body().into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| interrupted())?;
        if image.len().saturating_add(chunk.len()) > limit {
            return Err(too_large(limit));
        }
        count(chunk.len())?;
        image.extend_from_slice(&chunk);
    }
    if image.is_empty() {
        return Err(missing("the body is empty"));
    }
    Ok(image.freeze())
}

pub(super) fn too_large(limit: usize) -> Problem {
    Problem::new(ProblemKind::BodyTooLarge, format!("the image has more than {limit} bytes"))
        .field("image")
        .hint("crop the cell from the field and send the crop; the operator of this server can raise limits.max_image_bytes")
}

pub(super) fn missing(detail: &str) -> Problem {
    Problem::new(ProblemKind::ImageMissing, detail)
        .field("image")
        .hint(FORMATS_HINT)
}

/// The connection broke, or the body does not match its headers.
fn interrupted() -> Problem {
    Problem::new(
        ProblemKind::RequestMalformed,
        "the body ended before it was complete",
    )
    .hint("send the request again")
}
