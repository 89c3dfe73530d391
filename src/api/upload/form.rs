//! Forms (`multipart/form-data`), read part by part within limits.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
};

use axum::{
    body::{Body, Bytes},
    extract::{
        DefaultBodyLimit, FromRequest, Multipart, Request,
        multipart::{Field, MultipartError},
    },
    http::StatusCode,
};
use bytes::BytesMut;

use super::{
    ACCESSION_CHARACTERS, accession_too_long,
    memory::{WatchedBody, refusal},
};
use crate::api::problem::{Problem, ProblemKind};

/// Bytes of a form beside its images: boundaries, headers and small fields.
pub(in crate::api) const OVERHEAD_BYTES: usize = 64 * 1024;

/// A character has up to four bytes in UTF-8.
const ACCESSION_BYTES: usize = 4 * ACCESSION_CHARACTERS;

/// A form that is being read.
pub(super) struct Form {
    parts: Multipart,
    /// The refusal of a body that is too large.
    too_large: Problem,
    /// Number of bytes that have arrived.
    arrived: Arc<AtomicUsize>,
}

impl Form {
    /// Starts to read a form of at most `max_bytes`. `too_large` refuses a larger one. `count` is
    /// called with the size of each piece and may refuse it.
    pub(super) async fn open(
        request: Request,
        max_bytes: usize,
        too_large: Problem,
        mut count: impl FnMut(usize) -> Result<(), Problem> + Send + 'static,
    ) -> Result<Self, Problem> {
        let rejected = |_| {
            malformed("`Content-Type` has no boundary of the form")
                .field("Content-Type")
                .hint("let the HTTP library set it, such as multipart/form-data; boundary=…")
        };
        let arrived = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&arrived);
        let mut request = request.map(|body| {
            Body::new(WatchedBody::new(body, move |bytes| {
                seen.fetch_add(bytes, Ordering::Relaxed);
                count(bytes)
            }))
        });
        DefaultBodyLimit::max(max_bytes).apply(&mut request);
        let parts = Multipart::from_request(request, &())
            .await
            .map_err(rejected)?;
        Ok(Self {
            parts,
            too_large,
            arrived,
        })
    }

    /// The next part, once the last one is read to its end; `None` at the end of the form.
    pub(super) async fn next_part(&mut self) -> Result<Option<Field<'_>>, Problem> {
        let (too_large, arrived) = (&self.too_large, &self.arrived);
        let before = arrived.load(Ordering::Relaxed);
        let mut next = pin!(self.parts.next_field());
        poll_fn(|context| match next.as_mut().poll(context) {
            Poll::Ready(Err(error)) if is_too_large(&error) => Poll::Ready(Err(too_large.clone())),
            Poll::Ready(part) => Poll::Ready(part.map_err(|error| unreadable(&error))),
            // The bytes so far are not a part yet. They stay in memory, and each further piece
            // searches them again.
            Poll::Pending
                if arrived.load(Ordering::Relaxed).saturating_sub(before) > OVERHEAD_BYTES =>
            {
                Poll::Ready(Err(no_part()))
            }
            Poll::Pending => Poll::Pending,
        })
        .await
    }
}

/// The refusal of a body that is not a form.
pub(super) fn no_form(hint: &str) -> Problem {
    let detail = "`Content-Type`: expected multipart/form-data";
    Problem::new(ProblemKind::UnsupportedMediaType, detail)
        .field("Content-Type")
        .hint(hint)
}

/// The bytes of a part; `None` if it has more than `limit`.
pub(super) async fn read_part(
    part: &mut Field<'_>,
    limit: usize,
) -> Result<Option<Bytes>, Problem> {
    let mut bytes = BytesMut::new();
    loop {
        match part.chunk().await {
            Ok(None) => return Ok(Some(bytes.freeze())),
            Ok(Some(chunk)) if bytes.len().saturating_add(chunk.len()) > limit => return Ok(None),
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Err(error) if is_too_large(&error) => return Ok(None),
            Err(error) => return Err(unreadable(&error)),
        }
    }
}

/// Skips the rest of a part; `None` if the whole body has too many bytes.
pub(super) async fn skip(part: &mut Field<'_>) -> Result<Option<()>, Problem> {
    loop {
        match part.chunk().await {
            Ok(None) => return Ok(Some(())),
            Ok(Some(_)) => {}
            Err(error) if is_too_large(&error) => return Ok(None),
            Err(error) => return Err(unreadable(&error)),
        }
    }
}

/// The refusal of a repeated part.
pub(super) fn twice(name: &str, hint: &str) -> Problem {
    malformed(format!("the form has the part `{name}` twice"))
        .field(name)
        .hint(hint)
}

/// The text of a part.
pub(super) fn text(bytes: Bytes, name: &str) -> Result<String, Problem> {
    String::from_utf8(bytes.into()).map_err(|_| {
        malformed(format!("the part `{name}` is not UTF-8 text"))
            .field(name)
            .hint("send the text in UTF-8")
    })
}

/// The accession in a part of a form.
pub(super) async fn accession_of_part(part: &mut Field<'_>) -> Result<String, Problem> {
    let bytes = read_part(part, ACCESSION_BYTES).await?;
    text(bytes.ok_or_else(accession_too_long)?, "accession")
}

/// The refusal of an unknown part.
pub(super) fn unknown_part(name: &str, known: &str) -> Problem {
    Problem::parameter(name, format!("the form has an unknown part `{name}`"))
        .hint(format!("send the parts {known}"))
}

/// The limit of the whole body appears as an error of the part that crosses it.
fn is_too_large(error: &MultipartError) -> bool {
    error.status() == StatusCode::PAYLOAD_TOO_LARGE
}

fn unreadable(error: &MultipartError) -> Problem {
    refusal(error).unwrap_or_else(|| {
        malformed("the form is incomplete, or its parts do not match its boundary")
            .hint("check that the upload is complete, then send the form again")
    })
}

fn no_part() -> Problem {
    malformed(format!(
        "the form has more than {OVERHEAD_BYTES} bytes before a part starts"
    ))
    .hint("start the form with its boundary, and keep the headers of its parts short")
}

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::RequestMalformed, detail)
}
