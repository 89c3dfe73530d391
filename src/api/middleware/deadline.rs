//! The deadline of a whole request: upload, queue and inference together.

use std::time::{Duration, Instant};

use axum::{
    extract::{Request, State},
    http::HeaderMap,
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::api::{
    problem::{Problem, ProblemKind},
    service::Service,
};

pub(super) const HEADERS: [&str; 2] = ["x-request-timeout", "request-timeout"];

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
pub(super) async fn enforce(
    State(service): State<Service>,
    mut request: Request,
    next: Next,
) -> Response {
    let asked = match asked_timeout(request.headers()) {
        Ok(asked) => asked.map(|asked| asked.min(service.request_timeout())),
        Err(problem) => return problem.into_response(),
    };
    let limit = asked.unwrap_or(service.request_timeout());
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
    let Some((name, value)) = HEADERS
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
    let timeout = seconds
        .filter(|seconds| *seconds > 0.0 && seconds.is_finite())
        .map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
    let malformed = || {
        Problem::new(
            ProblemKind::RequestMalformed,
            "the timeout is no positive number of seconds",
        )
        .field(name)
        .hint("write seconds, such as 2 or 0.5")
    };
    timeout.map(Some).ok_or_else(malformed)
}

fn passed(limit: Duration) -> Problem {
    let detail = format!(
        "the request was not finished within {} seconds",
        limit.as_secs_f64()
    );
    Problem::new(ProblemKind::DeadlinePassed, detail)
        .hint("allow more time, upload faster, or ask for fewer passes")
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
