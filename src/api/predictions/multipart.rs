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

use super::{
    accession,
    upload::{missing, too_large},
};
use crate::api::problem::{Problem, ProblemKind};

pub(super) struct Form {
    pub(super) image: Bytes,
    pub(super) accession: Option<String>,
}

/// Reads a form to its end. Parts that are unknown, repeated or missing are refused.
pub(super) async fn read(request: Request, max_image_bytes: usize) -> Result<Form, Problem> {
    let rejected = |_| {
        malformed("the form's boundary is missing from its content type")
            .field("Content-Type")
            .hint("let the HTTP library write the content type of a form")
    };
    let mut parts = Multipart::from_request(request, &())
        .await
        .map_err(rejected)?;
    let (mut image, mut found_accession) = (None, None);
    while let Some(part) = next_part(&mut parts, max_image_bytes).await? {
        let name = part.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "image" => {
                let bytes = read_part(part, max_image_bytes).await?;
                store(
                    &mut image,
                    bytes.ok_or_else(|| too_large(max_image_bytes))?,
                    &name,
                )?;
            }
            "accession" => {
                let bytes = read_part(part, accession::MAX_BYTES).await?;
                store(
                    &mut found_accession,
                    text(bytes.ok_or_else(accession::too_long)?)?,
                    &name,
                )?;
            }
            _ => return Err(unknown_part(&name)),
        }
    }
    let image = image.filter(|bytes| !bytes.is_empty());
    Ok(Form {
        image: image.ok_or_else(|| missing("the form has no part `image`, or it is empty"))?,
        accession: found_accession,
    })
}

async fn next_part(
    parts: &mut Multipart,
    max_image_bytes: usize,
) -> Result<Option<Field<'_>>, Problem> {
    let unreadable = |error: MultipartError| {
        if is_too_large(&error) {
            too_large(max_image_bytes)
        } else {
            cut_off()
        }
    };
    parts.next_field().await.map_err(unreadable)
}

/// The bytes of a part, or none where it has more than `limit`.
async fn read_part(mut part: Field<'_>, limit: usize) -> Result<Option<Bytes>, Problem> {
    let mut bytes = BytesMut::new();
    loop {
        match part.chunk().await {
            Ok(None) => return Ok(Some(bytes.freeze())),
            Ok(Some(chunk)) if bytes.len().saturating_add(chunk.len()) > limit => return Ok(None),
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Err(error) if is_too_large(&error) => return Ok(None),
            Err(_) => return Err(cut_off()),
        }
    }
}

fn store<Value>(place: &mut Option<Value>, value: Value, name: &str) -> Result<(), Problem> {
    if place.replace(value).is_some() {
        let problem = malformed(format!("the form has the part `{name}` twice"));
        return Err(problem.field(name).hint("send one cell per request"));
    }
    Ok(())
}

fn text(bytes: Bytes) -> Result<String, Problem> {
    String::from_utf8(bytes.into()).map_err(|_| {
        malformed("the part is not UTF-8 text")
            .field("accession")
            .hint("send it as UTF-8")
    })
}

/// The limit of the whole body shows up as an error of the part that crosses it.
fn is_too_large(error: &MultipartError) -> bool {
    error.status() == StatusCode::PAYLOAD_TOO_LARGE
}

fn cut_off() -> Problem {
    malformed("the form is incomplete or not framed as its boundary says")
        .hint("send the form again")
}

fn unknown_part(name: &str) -> Problem {
    Problem::parameter(name, "the form has a part that is not known here")
        .hint("the parts are `image` and `accession`")
}

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::RequestMalformed, detail)
}
