//! Requests that get a problem instead of an answer: deadlines, the bodies of problems, and the
//! rest of refused uploads.

use std::time::{Duration, Instant};

use axum::{
    Extension,
    body::{Body, BodyDataStream},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method as HttpMethod, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;

use super::access::RequestId;
use crate::api::{
    problem::{Problem, ProblemForm, ProblemKind},
    service::Service,
    upload::WatchedBody,
};

/// Largest number of bytes of a refused upload that are read, and the longest time for it.
const MAX_BYTES: usize = 64 * 1024 * 1024;
const MAX_TIME: Duration = Duration::from_secs(2);

/// The headers with a client's timeout.
pub(super) const TIMEOUT_HEADERS: [&str; 2] = ["x-request-timeout", "request-timeout"];

/// The deadline of a request.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct Deadline {
    /// When the client stops waiting, if it says so.
    pub(in crate::api) asked: Option<Instant>,
    /// When the server gives up.
    pub(in crate::api) limit: Instant,
}

/// Answers 504 when the deadline passes. The handler is dropped: work in the queue does not start,
/// and running work ends.
pub(super) async fn enforce_deadline(
    State(service): State<Service>,
    mut request: Request,
    next: Next,
) -> Response {
    let asked = match asked_timeout(request.headers()) {
        Ok(asked) => asked.map(|asked| asked.min(service.request_timeout)),
        Err(problem) => return problem.into_response(),
    };
    let limit = asked.unwrap_or(service.request_timeout);
    let at = Instant::now() + limit;
    request.extensions_mut().insert(Deadline {
        asked: asked.map(|_| at),
        limit: at,
    });
    tokio::time::timeout(limit, next.run(request))
        .await
        .unwrap_or_else(|_| passed(limit).into_response())
}

/// The client's own timeout.
fn asked_timeout(headers: &HeaderMap) -> Result<Option<Duration>, Problem> {
    let Some((name, value)) = TIMEOUT_HEADERS
        .iter()
        .find_map(|name| Some((*name, headers.get(*name)?)))
    else {
        return Ok(None);
    };
    let seconds = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse::<f64>().ok());
    // A number that no duration can hold is above the server's limit anyway.
    let seconds = seconds.filter(|seconds| *seconds > 0.0 && seconds.is_finite());
    let seconds = seconds.ok_or_else(|| {
        let detail = format!("`{name}`: expected a number of seconds above 0");
        Problem::new(ProblemKind::RequestMalformed, detail)
            .field(name)
            .hint("send seconds, such as 2 or 0.5")
    })?;
    Ok(Some(
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX),
    ))
}

fn passed(limit: Duration) -> Problem {
    let detail = format!(
        "the request did not finish within {} seconds",
        limit.as_secs_f64()
    );
    Problem::new(ProblemKind::DeadlinePassed, detail)
        .hint("allow more time, upload faster, or request fewer passes")
}

/// Writes the problem's JSON into every response with status 400 or above. Status and other headers
/// (`Allow`, `Retry-After`) stay.
pub(super) async fn write_bodies(
    Extension(id): Extension<RequestId>,
    request: Request,
    next: Next,
) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = next.run(request).await;
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let form = ProblemForm::of_path(&path);
    let problem = response.extensions_mut().remove::<Problem>();
    let problem = problem.unwrap_or_else(|| bare_problem(status, &method, &path));
    let content_type = HeaderValue::from_static(form.media_type());
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, content_type);
    *response.body_mut() = Body::from(form.write(&problem, &id.to_string()));
    response
}

/// The problem for a bare error of the framework.
fn bare_problem(status: StatusCode, method: &HttpMethod, path: &str) -> Problem {
    let kind = ProblemKind::of_status(status);
    match status {
        StatusCode::NOT_FOUND => {
            Problem::new(kind, format!("there is no route {path}")).hint("/docs lists the routes")
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            Problem::new(kind, format!("{path} does not accept the method {method}"))
                .hint("the response's header Allow lists the methods")
        }
        StatusCode::INTERNAL_SERVER_ERROR => Problem::internal_error(),
        _ => Problem::new(kind, "the request cannot be read"),
    }
}

/// Reads the rest of a refused upload, within limits. A client that is still sending when the
/// connection closes would see a broken pipe instead of the answer.
pub(super) async fn discard_rest(request: Request, next: Next) -> Response {
    // Such a client sends nothing until it is asked to, and reading would ask it.
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::http::HeaderValue;

    use super::*;

    fn asked(value: &'static str) -> Result<Option<Duration>, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert("request-timeout", HeaderValue::from_static(value));
        asked_timeout(&headers)
    }

    #[test]
    fn timeouts_are_positive_seconds() {
        assert_eq!(asked("0.5").unwrap(), Some(Duration::from_millis(500)));
        assert_eq!(asked("1e300").unwrap(), Some(Duration::MAX));
        assert_eq!(asked_timeout(&HeaderMap::new()).unwrap(), None);
        for value in ["0", "-1", "soon", "", "NaN", "inf"] {
            assert!(asked(value).is_err(), "{value}");
        }
    }
}
