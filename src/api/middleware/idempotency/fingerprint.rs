//! What makes two requests the same.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{header, request::Parts},
};
use futures_util::StreamExt;
use hyper::body::{Frame, SizeHint};
use memchr::memmem::Finder;
use sha2::{Digest, Sha256};

/// Headers that change the answer.
const HEADERS: [&str; 2] = ["accept", "x-accession"];

/// SHA-256 over path, query, headers that change the answer, and body.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Fingerprint([u8; 32]);

/// Takes a fingerprint piece by piece.
struct Hasher {
    hash: Sha256,
    /// A form's boundary, which most clients draw anew each time that they write the same form: it does not count.
    boundary: Option<Finder<'static>>,
    /// The end of what came, which may be the beginning of a boundary.
    pending: Vec<u8>,
}

impl Hasher {
    fn begin(parts: &Parts) -> Self {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update(bytes.len().to_le_bytes());
            hash.update(bytes);
        };
        add(parts.uri.path().as_bytes());
        add(parts.uri.query().unwrap_or_default().as_bytes());
        for name in HEADERS {
            add(parts
                .headers
                .get(name)
                .map_or(b"", |value| value.as_bytes()));
        }
        let content_type = parts.headers.get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        Self {
            hash,
            boundary: content_type
                .and_then(boundary)
                .map(|boundary| Finder::new(&format!("--{boundary}")).into_owned()),
            pending: Vec::new(),
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        let Some(boundary) = &self.boundary else {
            return self.hash.update(bytes);
        };
        let length = boundary.needle().len();
        self.pending.extend_from_slice(bytes);
        let mut rest = self.pending.as_slice();
        while let Some(position) = boundary.find(rest) {
            let (before, from) = rest.split_at(position);
            self.hash.update(before);
            self.hash.update(b"--boundary");
            rest = from.get(length..).unwrap_or_default();
        }
        let whole = rest.len().saturating_sub(length.saturating_sub(1));
        let (whole, begun) = rest.split_at(whole);
        self.hash.update(whole);
        self.pending = begun.to_vec();
    }

    fn finish(&mut self) -> Fingerprint {
        let pending = std::mem::take(&mut self.pending);
        self.hash.update(pending);
        Fingerprint(self.hash.finalize_reset().into())
    }
}

/// The boundary of a form, when the content type is one's.
fn boundary(content_type: &str) -> Option<&str> {
    let (essence, parameters) = content_type.split_once(';')?;
    let is_form = essence
        .trim()
        .to_ascii_lowercase()
        .starts_with("multipart/");
    let mut parameters = parameters.split(';').filter_map(|one| one.split_once('='));
    let (_, boundary) =
        parameters.find(|(name, _)| is_form && name.trim().eq_ignore_ascii_case("boundary"))?;
    Some(boundary.trim().trim_matches('"')).filter(|boundary| !boundary.is_empty())
}

/// A body whose fingerprint is taken while somebody reads it.
#[derive(Clone)]
pub(super) struct HashedBody(Arc<Mutex<(Body, Hasher)>>);

impl HashedBody {
    /// The request with such a body in it, and the body.
    pub(super) fn within(request: Request) -> (Request, Self) {
        let (parts, body) = request.into_parts();
        let body = Self(Arc::new(Mutex::new((body, Hasher::begin(&parts)))));
        (Request::from_parts(parts, Body::new(body.clone())), body)
    }

    /// Reads what was left and gives the fingerprint of the whole; none when the body is not complete.
    pub(super) async fn finish(self) -> Option<Fingerprint> {
        let mut rest = Body::new(self.clone()).into_data_stream();
        while let Some(piece) = rest.next().await {
            piece.ok()?;
        }
        Some(self.lock().1.finish())
    }

    fn lock(&self) -> MutexGuard<'_, (Body, Hasher)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for HashedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let (body, hasher) = &mut *self.lock();
        let frame = ready!(Pin::new(body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(bytes) = frame.data_ref()
        {
            hasher.add(bytes);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.lock().0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().0.size_hint()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn fingerprint(content_type: &str, body: &str, piece: usize) -> Fingerprint {
        let request = Request::builder()
            .uri("/a?b=c")
            .header("content-type", content_type);
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let mut hasher = Hasher::begin(&parts);
        body.as_bytes()
            .chunks(piece)
            .for_each(|piece| hasher.add(piece));
        hasher.finish()
    }

    #[test]
    fn a_forms_boundary_does_not_count_however_it_is_cut() {
        let form = |boundary: &str, image: &str| {
            format!("--{boundary}\r\nname=image\r\n\r\n{image}\r\n--{boundary}--\r\n")
        };
        let one = fingerprint(
            "multipart/form-data; boundary=abc",
            &form("abc", "cell"),
            1000,
        );
        for piece in 1..20 {
            let other = r#"multipart/form-data; charset=utf-8; boundary="0123456789""#;
            assert!(
                one == fingerprint(other, &form("0123456789", "cell"), piece),
                "{piece}"
            );
            assert!(
                one != fingerprint(other, &form("0123456789", "dell"), piece),
                "{piece}"
            );
        }
    }

    #[test]
    fn a_raw_body_is_taken_as_it_is() {
        let one = fingerprint("image/png", "--abc", 5);
        assert!(one == fingerprint("image/png", "--abc", 2));
        assert!(one != fingerprint("image/png", "--abd", 5));
    }
}
