//! Errors as `application/problem+json` (RFC 9457).
//!
//! A problem says what was wrong with the request, in which field, and what to do instead. It never
//! has texts of the code, the runtime or the file system. A handler returns a [`Problem`]. The
//! middleware `middleware::unanswered` writes its body, because only the middleware knows the
//! request's id, and does the same for every bare error of the framework. Under `/v2` the same
//! problem is written in the form of the Open Inference Protocol.

mod convert;
mod described;
mod kind;

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

pub(super) use described::{Problems, UploadProblems, problem_response};
pub use kind::ProblemKind;

use super::examples;

/// The media type of RFC 9457.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// The reason why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem, example = examples::problem)]
pub struct ProblemBody {
    /// Stable name of the kind of problem, such as `urn:secondlook:problem:image-undecodable`.
    /// Compare this, not the texts.
    #[serde(rename = "type")]
    pub kind: String,
    /// Title, the same for every problem of this kind.
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599, format = Int32)]
    pub status: u16,
    /// What was wrong with this request.
    pub detail: String,
    /// The parameter, header or part with the problem; null if it is about none.
    #[schema(required)]
    pub field: Option<String>,
    /// What to do instead; null if there is no advice.
    #[schema(required)]
    pub hint: Option<String>,
    /// The request's id, as in the `X-Request-Id` header and in the log.
    pub request_id: String,
}

/// Largest number of characters of a text in a problem: some texts repeat what was sent.
const LONGEST_TEXT: usize = 1000;

/// The reason why a request failed, before its body is written.
#[derive(Clone, Debug)]
pub struct Problem {
    kind: ProblemKind,
    detail: String,
    field: Option<String>,
    hint: Option<String>,
    retry_after: Option<Duration>,
    challenge: Option<String>,
}

impl Problem {
    /// A problem of this kind; `detail` says in a sentence what was wrong with this request.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: shortened(detail.into()),
            field: None,
            hint: None,
            retry_after: None,
            challenge: None,
        }
    }

    /// Sets the parameter, header or part with the problem.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(shortened(field.into()));
        self
    }

    /// Sets what to do instead.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(shortened(hint.into()));
        self
    }

    /// Sets when to try again.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Sets the header `WWW-Authenticate`.
    #[must_use]
    pub fn challenge(mut self, challenge: impl Into<String>) -> Self {
        self.challenge = Some(challenge.into());
        self
    }

    /// Says which of several images it is about.
    #[must_use]
    pub(in crate::api) fn of_image(mut self, index: usize) -> Self {
        self.detail = format!("image {index}: {}", self.detail);
        self
    }

    /// The HTTP status of its kind.
    pub fn status(&self) -> StatusCode {
        self.kind.status()
    }

    /// What was wrong, in a sentence.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The body of the response.
    pub fn body(&self, request_id: &str) -> ProblemBody {
        ProblemBody {
            kind: self.kind.uri().to_owned(),
            title: self.kind.title().to_owned(),
            status: self.status().as_u16(),
            detail: self.detail.clone(),
            field: self.field.clone(),
            hint: self.hint.clone(),
            request_id: request_id.to_owned(),
        }
    }
}

/// The form of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemForm {
    /// As in RFC 9457.
    ProblemJson,
    /// `{"error": "…"}`, as in the Open Inference Protocol.
    InferenceError,
}

impl ProblemForm {
    /// The form that clients of a path expect.
    pub fn of_path(path: &str) -> Self {
        match path == "/v2" || path.starts_with("/v2/") {
            true => Self::InferenceError,
            false => Self::ProblemJson,
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::ProblemJson => CONTENT_TYPE,
            Self::InferenceError => "application/json",
        }
    }

    /// The problem in JSON.
    pub fn write(self, problem: &Problem, request_id: &str) -> Vec<u8> {
        let body = problem.body(request_id);
        // These types are strings and numbers, so writing cannot fail.
        let json = match self {
            Self::ProblemJson => serde_json::to_vec(&body),
            Self::InferenceError => {
                let hint = body.hint.map(|hint| format!(": {hint}"));
                let error = body.detail + &hint.unwrap_or_default();
                serde_json::to_vec(&json!({ "error": error }))
            }
        };
        json.unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    /// Status and headers. The middleware takes the problem from the extensions and writes the
    /// body.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, whole_seconds(wait).into());
        }
        let challenge = self.challenge.as_deref().map(HeaderValue::from_str);
        if let Some(Ok(challenge)) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response.extensions_mut().insert(self);
        response
    }
}

fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LONGEST_TEXT) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// `Retry-After` has whole seconds, and 0 would make clients try again at once.
fn whole_seconds(wait: Duration) -> u64 {
    let rounded_up = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    rounded_up.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_shortened() {
        let long = "ß".repeat(LONGEST_TEXT + 1);
        let problem = Problem::parameter(&long, &*long).hint(&*long);
        let body = problem.body("id");
        for text in [Some(body.detail), body.field, body.hint] {
            let text = text.unwrap_or_default();
            assert_eq!(text.chars().count(), LONGEST_TEXT + 1);
            assert!(text.ends_with("ß…"));
        }
        let short = Problem::new(ProblemKind::NotFound, "ß".repeat(LONGEST_TEXT));
        assert_eq!(short.detail().chars().count(), LONGEST_TEXT);
    }

    #[test]
    fn retry_after_is_at_least_one_second() {
        let cases = [(0, 1), (1, 1), (1000, 1), (1001, 2), (2500, 3)];
        for (milliseconds, seconds) in cases {
            assert_eq!(whole_seconds(Duration::from_millis(milliseconds)), seconds);
        }
    }
}
