//! The layers that every request passes, from the outside in:
//!
//! 1. its id;
//! 2. the log line and the metrics;
//! 3. CORS;
//! 4. response headers;
//! 5. the body of its problem, if it has one;
//! 6. reading the rest of a refused upload;
//! 7. its deadline;
//! 8. its API key;
//! 9. catching panics.

mod access;
mod cors;
mod described;
mod keys;
mod unanswered;

use std::{any::Any, sync::Arc};

use axum::{
    Router,
    http::{HeaderValue, StatusCode, header},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use tower_http::{catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer};
use tracing::error;

use super::service::Service;
use crate::config::AccessConfig;

pub(super) use access::{AnsweredBy, RequestId};
pub(super) use described::describe;
pub(super) use unanswered::Deadline;

/// The content security policy of JSON answers, which need nothing. Pages set their own, wider
/// policy.
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Wraps all routes. Within one call of `layer` the first layer is the outermost.
pub(super) fn wrap(
    routes: Router<Service>,
    service: &Service,
    access: &AccessConfig,
) -> Router<Service> {
    let keys = Arc::new(keys::Keys::new(access));
    // Each call of `layer` adds a box around everything inside, and every request clones all boxes.
    // So there are few calls.
    let routes = routes.layer((
        set(header::REFERRER_POLICY, "no-referrer"),
        set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        SetResponseHeaderLayer::if_not_present(header::CONTENT_SECURITY_POLICY, NOTHING),
        from_fn(unanswered::write_bodies),
        from_fn(unanswered::discard_rest),
        from_fn_with_state(service.clone(), unanswered::enforce_deadline),
        from_fn_with_state(keys, keys::require),
        CatchPanicLayer::custom(panicked),
    ));
    let routes = match cors::layer(access) {
        Some(cors) => routes.layer(cors),
        None => routes,
    };
    routes.layer((from_fn(access::assign_id), from_fn(access::record)))
}

fn set(name: header::HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

/// Answers 500 after a panic. The panic itself is in the log already.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    error!("a handler panicked");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

#[cfg(test)]
mod tests;
