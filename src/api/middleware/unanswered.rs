//! Requests that are not answered: those that take too long, from their first byte to their answer; the body of the error, whoever
//! made it (ours, the router's 404 and 405, an extractor's refusal, a caught panic); and the rest of an upload that nobody wants.

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

/// How much is thrown away for the sake of a polite answer, and how long that may take.
const MAX_BYTES: usize = 64 * 1024 * 1024;
const MAX_TIME: Duration = Duration::from_secs(2);

/// The headers by which a client says how long it waits.
pub(super) const TIMEOUT_HEADERS: [&str; 2] = ["x-request-timeout", "request-timeout"];

/// When nobody waits for a request any more.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct Deadline {
    /// When the client stops waiting, if it said so.
    pub(in crate::api) asked: Option<Instant>,
    /// When the server gives up, whoever said so.
    pub(in crate::api) limit: Instant,
}

/// Gives up when the deadline passes. What was being awaited is dropped: work that is still in the queue is not begun, and
/// what is running is ended.
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

/// The client's own timeout, if it has one.
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
    // What no duration can hold is longer than the server's own limit anyway.
    let seconds = seconds.filter(|seconds| *seconds > 0.0 && seconds.is_finite());
    let seconds = seconds.ok_or_else(|| {
        let detail = "the timeout is no positive number of seconds";
        Problem::new(ProblemKind::RequestMalformed, detail)
            .field(name)
            .hint("write seconds, such as 2 or 0.5")
    })?;
    Ok(Some(
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX),
    ))
}

fn passed(limit: Duration) -> Problem {
    let detail = format!(
        "the request was not finished within {} seconds",
        limit.as_secs_f64()
    );
    Problem::new(ProblemKind::DeadlinePassed, detail)
        .hint("allow more time, upload faster, or ask for fewer passes")
}

/// Writes the problem's JSON into every response from 400 up; status and other headers (`Allow`, `Retry-After`) stay.
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

/// What is said of an error of the framework, which has no words of ours.
fn bare_problem(status: StatusCode, method: &HttpMethod, path: &str) -> Problem {
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
    fn a_timeout_is_a_positive_number_of_seconds() {
        assert_eq!(asked("0.5").unwrap(), Some(Duration::from_millis(500)));
        assert_eq!(asked("1e300").unwrap(), Some(Duration::MAX));
        assert_eq!(asked_timeout(&HeaderMap::new()).unwrap(), None);
        for value in ["0", "-1", "soon", "", "NaN", "inf"] {
            assert!(asked(value).is_err(), "{value}");
        }
    }
}
