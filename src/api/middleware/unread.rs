//! The rest of an upload that is refused before it was read.
//!
//! A client that is still sending when the connection closes sees a broken pipe instead of the answer. So what is left
//! of a refused body is read and thrown away, within limits, before the answer goes out.

use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream},
    extract::Request,
    http::{StatusCode, header},
    middleware::Next,
    response::Response,
};
use futures_util::StreamExt;

use crate::api::body::WatchedBody;

/// How much is thrown away for the sake of a polite answer, and how long that may take.
const MAX_BYTES: usize = 64 * 1024 * 1024;
const MAX_TIME: Duration = Duration::from_secs(2);

/// Reads the rest of the body of a refused request.
pub(super) async fn discard(request: Request, next: Next) -> Response {
    // Such a client sends nothing before it is asked to, and reading would ask it.
    let waits_to_be_asked = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let body = WatchedBody::new(body, |_| Ok(()));
    let response = next
        .run(Request::from_parts(parts, Body::new(body.clone())))
        .await;
    let is_refused =
        response.status().is_client_error() || response.status() == StatusCode::SERVICE_UNAVAILABLE;
    if is_refused && !waits_to_be_asked {
        drop(tokio::time::timeout(MAX_TIME, read_away(Body::new(body).into_data_stream())).await);
    }
    response
}

async fn read_away(mut chunks: BodyDataStream) {
    let mut left = MAX_BYTES;
    while let Some(Ok(chunk)) = chunks.next().await {
        left = left.saturating_sub(chunk.len());
        if left == 0 {
            return;
        }
    }
}
