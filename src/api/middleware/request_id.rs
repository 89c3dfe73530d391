//! The id by which a client, its answer and the log speak of one request.

use std::{fmt, sync::Arc};

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use tracing::{Span, error_span};
use ulid::Ulid;

pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that is taken over from a client.
const MAX_LENGTH: usize = 128;

/// A request's id: the client's own, or a new ULID.
#[derive(Clone, Debug)]
pub(in crate::api) struct RequestId(Arc<str>);

impl RequestId {
    fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(HEADER).and_then(|value| value.to_str().ok());
        match given.filter(|id| is_usable(id)) {
            Some(id) => Self(id.into()),
            None => Self(Ulid::new().to_string().into()),
        }
    }

    /// What is logged inside it has the id beside it. Of the highest level, so that no filter takes it from an error.
    pub(super) fn span(&self) -> Span {
        error_span!("request", request_id = %self)
    }
}

/// Visible ASCII only: the id goes into the log, where a line break would forge a line.
fn is_usable(id: &str) -> bool {
    (1..=MAX_LENGTH).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Gives the request its id, and the response the same.
pub(super) async fn assign(mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::is_usable;

    #[test]
    fn an_id_that_could_forge_a_log_line_is_replaced() {
        assert!(is_usable("01J-abc_/:~"));
        for id in ["", "a b", "a\nb", "ä", &"x".repeat(129)] {
            assert!(!is_usable(id), "{id}");
        }
    }
}
