//! Forms (`multipart/form-data`), read part by part behind limits.

use axum::{
    body::Bytes,
    extract::{
        DefaultBodyLimit, FromRequest, Multipart, Request,
        multipart::{Field, MultipartError},
    },
    http::{HeaderMap, StatusCode, header},
};
use bytes::BytesMut;

use super::problem::{Problem, ProblemKind};

/// What a form may hold beside its images: boundaries, headers and small fields.
pub(in crate::api) const OVERHEAD_BYTES: usize = 64 * 1024;

/// A form that is being read.
pub(in crate::api) struct Form {
    parts: Multipart,
    /// What is said when the whole body has too many bytes.
    too_large: Problem,
}

impl Form {
    /// Begins to read a form of at most `max_bytes`; `too_large` is the answer to one that has more.
    pub(in crate::api) async fn open(
        mut request: Request,
        max_bytes: usize,
        too_large: Problem,
    ) -> Result<Self, Problem> {
        let rejected = |_| {
            malformed("the form's boundary is missing from its content type")
                .field("Content-Type")
                .hint("let the HTTP library write the content type of a form")
        };
        DefaultBodyLimit::max(max_bytes).apply(&mut request);
        let parts = Multipart::from_request(request, &())
            .await
            .map_err(rejected)?;
        Ok(Self { parts, too_large })
    }

    /// The next part; `None` at the end of the form.
    pub(in crate::api) async fn next_part(&mut self) -> Result<Option<Field<'_>>, Problem> {
        let too_large = &self.too_large;
        let unreadable = |error: MultipartError| {
            if is_too_large(&error) {
                too_large.clone()
            } else {
                cut_off()
            }
        };
        self.parts.next_field().await.map_err(unreadable)
    }
}

/// Whether the body is a form, by its content type.
pub(in crate::api) fn is_form(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE);
    let value = value.and_then(|value| value.to_str().ok());
    let essence = value.unwrap_or_default().split(';').next();
    essence
        .unwrap_or_default()
        .trim()
        .eq_ignore_ascii_case("multipart/form-data")
}

/// The refusal of a body that is no form.
pub(in crate::api) fn no_form(hint: &str) -> Problem {
    let detail = "the content type is not multipart/form-data";
    Problem::new(ProblemKind::UnsupportedMediaType, detail)
        .field("Content-Type")
        .hint(hint)
}

/// The bytes of a part, or none where it has more than `limit`.
pub(in crate::api) async fn read_part(
    part: &mut Field<'_>,
    limit: usize,
) -> Result<Option<Bytes>, Problem> {
    read_counted_part(part, limit, |_| Ok(())).await
}

/// The same, where `count` may refuse each of its pieces for their number of bytes.
pub(in crate::api) async fn read_counted_part(
    part: &mut Field<'_>,
    limit: usize,
    mut count: impl FnMut(usize) -> Result<(), Problem>,
) -> Result<Option<Bytes>, Problem> {
    let mut bytes = BytesMut::new();
    loop {
        match part.chunk().await {
            Ok(None) => return Ok(Some(bytes.freeze())),
            Ok(Some(chunk)) if bytes.len().saturating_add(chunk.len()) > limit => return Ok(None),
            Ok(Some(chunk)) => {
                count(chunk.len())?;
                bytes.extend_from_slice(&chunk);
            }
            Err(error) if is_too_large(&error) => return Ok(None),
            Err(_) => return Err(cut_off()),
        }
    }
}

/// Keeps the value of a part that may come once.
pub(in crate::api) fn store<Value>(
    place: &mut Option<Value>,
    value: Value,
    name: &str,
    hint: &str,
) -> Result<(), Problem> {
    if place.replace(value).is_some() {
        let problem = malformed(format!("the form has the part `{name}` twice"));
        return Err(problem.field(name).hint(hint));
    }
    Ok(())
}

/// The text of a part.
pub(in crate::api) fn text(bytes: Bytes, name: &str) -> Result<String, Problem> {
    String::from_utf8(bytes.into()).map_err(|_| {
        malformed("the part is not UTF-8 text")
            .field(name)
            .hint("send it as UTF-8")
    })
}

/// The refusal of a part that has no meaning here.
pub(in crate::api) fn unknown_part(name: &str, known: &str) -> Problem {
    Problem::parameter(name, "the form has a part that is not known here")
        .hint(format!("the parts are {known}"))
}

/// The limit of the whole body shows up as an error of the part that crosses it.
fn is_too_large(error: &MultipartError) -> bool {
    error.status() == StatusCode::PAYLOAD_TOO_LARGE
}

fn cut_off() -> Problem {
    malformed("the form is incomplete or not framed as its boundary says")
        .hint("send the form again")
}

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::RequestMalformed, detail)
}
