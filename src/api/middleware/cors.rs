//! CORS: which web pages may call the server. None, unless the configuration names them.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method as HttpMethod, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::{access::REQUEST_ID, keys, unanswered};
use crate::config::AccessConfig;

/// Header of `/v2`: how many bytes of the body are JSON.
const INFERENCE_HEADER_LENGTH: HeaderName =
    HeaderName::from_static("inference-header-content-length");
/// How long a browser may cache the answer to a preflight request.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// Answers preflight requests and lets the named origins read answers. The server has no cookies,
/// so none are allowed.
pub(super) fn layer(config: &AccessConfig) -> Option<CorsLayer> {
    let origins = match config.allows_every_origin() {
        true => AllowOrigin::any(),
        false => AllowOrigin::list(listed(&config.allowed_origins)),
    };
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([HttpMethod::GET, HttpMethod::POST])
        .allow_headers(sent().collect::<Vec<_>>())
        .expose_headers([header::RETRY_AFTER, REQUEST_ID, INFERENCE_HEADER_LENGTH])
        .max_age(REMEMBERED);
    (!config.allowed_origins.is_empty()).then_some(layer)
}

/// The headers that a request may have.
fn sent() -> impl Iterator<Item = HeaderName> {
    let common = [header::ACCEPT, header::AUTHORIZATION, header::CONTENT_TYPE];
    let own = [REQUEST_ID, INFERENCE_HEADER_LENGTH];
    let named = [keys::HEADER, "idempotency-key", "x-accession"];
    let named = named.into_iter().chain(unanswered::TIMEOUT_HEADERS);
    let named = named.map(HeaderName::from_static);
    common.into_iter().chain(own).chain(named)
}

/// The configuration has checked the origins.
fn listed(origins: &[String]) -> impl Iterator<Item = HeaderValue> {
    origins
        .iter()
        .filter_map(|origin| HeaderValue::from_str(origin).ok())
}
