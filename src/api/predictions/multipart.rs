//! A form with the parts `image` and `accession`.

use axum::{
    body::Bytes,
    extract::{
        FromRequest, Multipart, Request,
        multipart::{Field, MultipartError},
    },
    http::StatusCode,
};
use bytes::BytesMut;

use super::upload::{missing, too_large};
use crate::api::problem::{Problem, ProblemKind};

/// Longest text field in bytes; what is longer is refused by its own check later.
const MAX_TEXT_BYTES: usize = 4096;

pub(super) struct Form {
    pub(super) image: Bytes,
    pub(super) accession: Option<String>,
}

/// Reads a form to its end. Parts that are unknown, repeated or missing are refused.
pub(super) async fn read(request: Request, max_image_bytes: usize) -> Result<Form, Problem> {
    let rejected =
        |_| malformed("the form's boundary is missing from its content type").field("Content-Type");
    let mut parts = Multipart::from_request(request, &())
        .await
        .map_err(rejected)?;
    let (mut image, mut accession) = (None, None);
    while let Some(part) = next_part(&mut parts, max_image_bytes).await? {
        let name = part.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "image" => store(&mut image, read_part(part, max_image_bytes).await?, &name)?,
            "accession" => store(
                &mut accession,
                text(read_part(part, MAX_TEXT_BYTES).await?)?,
                &name,
            )?,
            _ => return Err(unknown_part(&name)),
        }
    }
    let image = image.filter(|bytes| !bytes.is_empty());
    Ok(Form {
        image: image.ok_or_else(|| missing("the form has no part `image`, or it is empty"))?,
        accession,
    })
}

async fn next_part(parts: &mut Multipart, limit: usize) -> Result<Option<Field<'_>>, Problem> {
    parts
        .next_field()
        .await
        .map_err(|error| unreadable(&error, limit))
}

async fn read_part(mut part: Field<'_>, limit: usize) -> Result<Bytes, Problem> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = part
        .chunk()
        .await
        .map_err(|error| unreadable(&error, limit))?
    {
        if bytes.len().saturating_add(chunk.len()) > limit {
            return Err(too_large(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

fn store<Value>(place: &mut Option<Value>, value: Value, name: &str) -> Result<(), Problem> {
    if place.replace(value).is_some() {
        return Err(malformed(format!("the form has the part `{name}` twice")).field(name));
    }
    Ok(())
}

fn text(bytes: Bytes) -> Result<String, Problem> {
    String::from_utf8(bytes.into())
        .map_err(|_| malformed("the part is not UTF-8 text").field("accession"))
}

/// The whole body's limit shows up here, as status 413.
fn unreadable(error: &MultipartError, limit: usize) -> Problem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return too_large(limit);
    }
    malformed("the form is incomplete or not framed as its boundary says")
}

fn unknown_part(name: &str) -> Problem {
    Problem::parameter(name, "the form has a part that is not known here")
        .hint("the parts are `image` and `accession`")
}

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::RequestMalformed, detail)
}
