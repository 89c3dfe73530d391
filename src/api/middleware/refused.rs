//! Requests that are refused: the body of the error, whoever made it (ours, the router's 404 and 405, an extractor's refusal, a
//! caught panic), and the rest of an upload that nobody wants.

use std::time::Duration;

use axum::{
    Extension,
    body::{Body, BodyDataStream},
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};
use futures_util::StreamExt;

use super::access::RequestId;
use crate::api::{
    body::WatchedBody,
    problem::{Problem, ProblemForm, ProblemKind},
};

/// How much is thrown away for the sake of a polite answer, and how long that may take.
const MAX_BYTES: usize = 64 * 1024 * 1024;
const MAX_TIME: Duration = Duration::from_secs(2);

/// Writes the problem's JSON into every response from 400 up; status and other headers (`Allow`, `Retry-After`) stay.
pub(super) async fn write_bodies(
    Extension(id): Extension<RequestId>,
    request: Request,
    next: Next,
) -> Response {
    let bare = bare_problem_of(&request);
    let form = ProblemForm::of_path(request.uri().path());
    let mut response = next.run(request).await;
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let problem = response
        .extensions_mut()
        .remove::<Problem>()
        .unwrap_or_else(|| bare(status));
    let content_type = HeaderValue::from_static(form.media_type());
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, content_type);
    *response.body_mut() = Body::from(form.write(&problem, &id.to_string()));
    response
}

/// What is said of an error of the framework, which has no words of ours.
fn bare_problem_of(request: &Request) -> impl FnOnce(StatusCode) -> Problem + use<> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    move |status| {
        let kind = ProblemKind::of_status(status);
        match status {
            StatusCode::NOT_FOUND => Problem::new(kind, format!("there is nothing at {path}"))
                .hint("/docs lists the resources"),
            StatusCode::METHOD_NOT_ALLOWED => {
                Problem::new(kind, format!("{path} does not know {method}"))
                    .hint("the Allow header lists the methods")
            }
            StatusCode::INTERNAL_SERVER_ERROR => Problem::mistake_of_ours(),
            _ => Problem::new(kind, "the request could not be read"),
        }
    }
}

/// Reads the rest of the body of a refused request: a client that is still sending when the connection closes sees a broken
/// pipe instead of the answer. So what is left is read and thrown away, within limits, before the answer goes out.
pub(super) async fn discard_rest(request: Request, next: Next) -> Response {
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
