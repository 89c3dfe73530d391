//! The net under panics: one request pays, the server goes on.

use std::panic::AssertUnwindSafe;

use axum::{
    extract::Request,
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use tracing::error;

/// Answers 500 where a handler panicked; the panic itself is already on standard error.
pub(super) async fn catch(request: Request, next: Next) -> Response {
    let outcome = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    outcome.unwrap_or_else(|_| {
        error!("a handler panicked");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    })
}
