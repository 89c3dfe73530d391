//! One line in the log and one count in the metrics for every request. Never the query, a header or the body: they may
//! hold an accession.

use std::time::Instant;

use axum::{
    Extension,
    extract::{MatchedPath, Request},
    http::Method as HttpMethod,
    middleware::Next,
    response::Response,
};
use tracing::{Instrument, info};

use super::{keys::KeyName, request_id::RequestId};
use crate::{api::answer::milliseconds, telemetry::metrics};
use bundle::Method;
use engine::LoadedModel;

/// What is logged when the client went away before its answer, as nginx does.
const CLIENT_WENT_AWAY: u16 = 499;
/// Requests to no route share one name, so that a scanner cannot fill the metrics.
const NO_ROUTE: &str = "none";

/// Left among a response's extensions by the handler: who answered.
#[derive(Clone, Debug)]
pub(in crate::api) struct AnsweredBy {
    pub(in crate::api) model: String,
    pub(in crate::api) method: Method,
}

impl AnsweredBy {
    /// A model, by the method asked for or its first.
    pub(in crate::api) fn of(model: &LoadedModel, method: Option<Method>) -> Self {
        let usual = model.methods().first().copied();
        Self {
            model: model.name().to_owned(),
            method: method.or(usual).unwrap_or(Method::Baseline),
        }
    }
}

/// Logs and counts a request when it is answered, or when its client went away. Whatever is logged meanwhile has its id.
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

/// Methods are the client's to invent; the metrics know a few.
fn known_method(method: &HttpMethod) -> &'static str {
    match *method {
        HttpMethod::GET => "GET",
        HttpMethod::HEAD => "HEAD",
        HttpMethod::POST => "POST",
        HttpMethod::PUT => "PUT",
        HttpMethod::PATCH => "PATCH",
        HttpMethod::DELETE => "DELETE",
        HttpMethod::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}
