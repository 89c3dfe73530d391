//! What every request passes, from the outside in: its id; the line in the log and the metrics; the body of its problem,
//! if it comes to one; the rest of an upload that nobody wants; its deadline; the net under panics.

mod access;
mod deadline;
mod panics;
mod problems;
mod request_id;
mod security;
mod unread;

use axum::{Router, middleware::from_fn, middleware::from_fn_with_state};

use super::service::Service;

pub(super) use access::AnsweredBy;
pub(super) use request_id::RequestId;

/// Wraps all routes; the last layer is the outermost.
pub(super) fn wrap(routes: Router<Service>, service: &Service) -> Router<Service> {
    routes
        .layer(from_fn(panics::catch))
        .layer(from_fn_with_state(service.clone(), deadline::enforce))
        .layer(from_fn(unread::discard))
        .layer(from_fn(problems::write_bodies))
        .layer(from_fn(security::add_headers))
        .layer(from_fn(access::record))
        .layer(from_fn(request_id::assign))
}

#[cfg(test)]
mod tests;
