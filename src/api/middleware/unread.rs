//! The rest of an upload that is refused before it was read.
//!
//! A client that is still sending when the connection closes sees a broken pipe instead of the answer. So what is left
//! of a refused body is read and thrown away, within limits, before the answer goes out.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody},
    extract::Request,
    http::{StatusCode, header},
    middleware::Next,
    response::Response,
};
use futures_util::StreamExt;

/// How much is thrown away for the sake of a polite answer, and how long that may take.
const MAX_BYTES: usize = 64 * 1024 * 1024;
const MAX_TIME: Duration = Duration::from_secs(2);

/// Reads the rest of the body of a refused request.
pub(super) async fn discard(request: Request, next: Next) -> Response {
    // Such a client sends nothing before it is asked to, and reading would ask it.
    let waits_to_be_asked = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let body = SharedBody(Arc::new(Mutex::new(body)));
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

/// A body that the handler reads and that is still here when the handler is done.
#[derive(Clone)]
struct SharedBody(Arc<Mutex<Body>>);

impl SharedBody {
    fn lock(&self) -> MutexGuard<'_, Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for SharedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut *self.lock()).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.lock().is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.lock().size_hint()
    }
}
