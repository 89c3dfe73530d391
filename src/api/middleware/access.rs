//! The request id, one log line and one count in the metrics for each request. The query, the
//! headers and the body are never logged, because they may hold an accession.

use std::{fmt, sync::Arc, time::Instant};

use axum::{
    Extension,
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method as HttpMethod},
    middleware::Next,
    response::Response,
};
use tracing::{Instrument, Span, error_span, info};
use ulid::Ulid;

use super::keys::KeyName;
use crate::{api::answer::milliseconds, telemetry::metrics};
use bundle::Method;
use engine::LoadedModel;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that is accepted from a client.
const MAX_ID_LENGTH: usize = 128;
/// The status in the log if the client disconnected before its answer, as in nginx.
const CLIENT_WENT_AWAY: u16 = 499;
/// Requests without a route share one name, so that a scanner cannot fill the metrics.
const NO_ROUTE: &str = "none";

/// A request's id: the client's own, or a new ULID.
#[derive(Clone, Debug)]
pub(in crate::api) struct RequestId(Arc<str>);

impl RequestId {
    fn of(headers: &HeaderMap) -> Self {
        let given = headers
            .get(REQUEST_ID)
            .and_then(|value| value.to_str().ok());
        match given.filter(|id| is_usable(id)) {
            Some(id) => Self(id.into()),
            None => Self(Ulid::new().to_string().into()),
        }
    }

    /// Adds the id to every line that is logged inside. It has the highest level, so that no filter
    /// removes it from an error.
    fn span(&self) -> Span {
        error_span!("request", request_id = %self)
    }
}

/// Visible ASCII only: a line break in the log would forge a line.
fn is_usable(id: &str) -> bool {
    (1..=MAX_ID_LENGTH).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Sets the id of the request and of its response.
pub(super) async fn assign_id(mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Who answered. The handler leaves it in the response's extensions.
#[derive(Clone, Debug)]
pub(in crate::api) struct AnsweredBy {
    pub(in crate::api) model: String,
    pub(in crate::api) method: Method,
}

impl AnsweredBy {
    /// A model with the requested method, or else the model's first.
    pub(in crate::api) fn of(model: &LoadedModel, method: Option<Method>) -> Self {
        let usual = model.methods().first().copied();
        Self {
            model: model.name().to_owned(),
            method: method.or(usual).unwrap_or(Method::Baseline),
        }
    }
}

/// Logs and counts a request when it is answered, or when its client disconnects. Lines that are
/// logged meanwhile have its id.
pub(super) async fn record(
    Extension(id): Extension<RequestId>,
    request: Request,
    next: Next,
) -> Response {
    let span = id.span();
    let mut line = AccessLine::begin(id, &request);
    let response = next.run(request).instrument(span).await;
    line.answered_by = response.extensions().get::<AnsweredBy>().cloned();
    line.client = response.extensions().get::<KeyName>().cloned();
    line.status = response.status().as_u16();
    response
}

/// Written when it is dropped.
struct AccessLine {
    id: RequestId,
    http_method: &'static str,
    route: String,
    started: Instant,
    status: u16,
    answered_by: Option<AnsweredBy>,
    client: Option<KeyName>,
}

impl AccessLine {
    fn begin(id: RequestId, request: &Request) -> Self {
        let route = request
            .extensions()
            .get::<MatchedPath>()
            .map_or(NO_ROUTE, MatchedPath::as_str);
        Self {
            id,
            http_method: known_method(request.method()),
            route: route.to_owned(),
            started: Instant::now(),
            status: CLIENT_WENT_AWAY,
            answered_by: None,
            client: None,
        }
    }
}

impl Drop for AccessLine {
    fn drop(&mut self) {
        let elapsed = self.started.elapsed();
        metrics::request_answered(&self.route, self.http_method, self.status, elapsed);
        let model = self.answered_by.as_ref().map(|by| by.model.as_str());
        let method = self.answered_by.as_ref().map(|by| by.method.name());
        let client = self.client.as_ref().map(|KeyName(name)| name.as_ref());
        info!(
            request_id = %self.id,
            http_method = self.http_method,
            route = self.route,
            status = self.status,
            duration_ms = milliseconds(elapsed),
            model,
            method,
            client,
            "request",
        );
    }
}

/// Clients may send any method; the metrics have a few fixed names.
fn known_method(method: &HttpMethod) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let found = known.into_iter().find(|known| *known == method.as_str());
    found.unwrap_or("OTHER")
}

#[cfg(test)]
mod tests {
    use super::is_usable;

    #[test]
    fn ids_that_could_forge_lines_are_replaced() {
        assert!(is_usable("01J-abc_/:~"));
        for id in ["", "a b", "a\nb", "ä", &"x".repeat(129)] {
            assert!(!is_usable(id), "{id}");
        }
    }
}
