//! `Idempotency-Key`: the same request sent again gets the first one's answer, byte for byte.
//!
//! The body is not gathered for this: its fingerprint is taken while the handler reads it, so that a busy server still
//! refuses before it reads. A request that comes while the first one is at work waits for it with its body unread. Only
//! answers that succeeded are kept, of many cells only those in which no cell failed for a reason that may be gone next
//! time; after a failure the next request is a first one again.

mod fingerprint;
mod recorder;
mod store;

use std::sync::Arc;

use axum::{
    Extension,
    body::{Body, HttpBody, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method as HttpMethod, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};

use self::{
    fingerprint::{Fingerprint, HashedBody},
    recorder::Recorder,
    store::{Answer, Begun, Claim, Head, Name},
};
use super::keys::Client;
use crate::api::{
    many::Unsettled,
    problem::{Problem, ProblemKind},
};

pub(super) use store::Store;

pub(super) const HEADER: &str = "idempotency-key";
/// On an answer that was given before.
pub(super) const REPLAYED: &str = "idempotency-replayed";
/// Longest key.
const MAX_LENGTH: usize = 255;

/// Answers a POST with a key once.
pub(super) async fn answer_once(
    State(store): State<Arc<Store>>,
    client: Option<Extension<Client>>,
    request: Request,
    next: Next,
) -> Response {
    let key = match key_of(&request) {
        Ok(Some(key)) => key,
        Ok(None) => return next.run(request).await,
        Err(problem) => return problem.into_response(),
    };
    let client = client.map(|Extension(Client(name))| name);
    let name = Name { client, key };
    loop {
        match store.begin(&name) {
            Begun::First(claim) => return answer_first(claim, request, next).await,
            Begun::Kept(answer) => return answer_again(&answer, request).await,
            // Woken by an error, since nothing is ever sent: the first one's end drops the sender.
            Begun::Running(mut end) => drop(end.changed().await),
        }
    }
}

fn key_of(request: &Request) -> Result<Option<String>, Problem> {
    if request.method() != HttpMethod::POST {
        return Ok(None);
    }
    let Some(value) = request.headers().get(HEADER) else {
        return Ok(None);
    };
    let key = value.to_str().unwrap_or_default().trim();
    let is_usable =
        (1..=MAX_LENGTH).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if is_usable && request.headers().get_all(HEADER).iter().count() == 1 {
        return Ok(Some(key.to_owned()));
    }
    Err(Problem::new(
        ProblemKind::RequestMalformed,
        format!("the idempotency key is not 1 to {MAX_LENGTH} visible ASCII characters"),
    )
    .field("Idempotency-Key")
    .hint("send one key that is new for each request, such as a UUID"))
}

async fn answer_first(claim: Claim, request: Request, next: Next) -> Response {
    let (request, body) = HashedBody::within(request);
    let response = next.run(request).await;
    if !response.status().is_success() {
        return response;
    }
    match body.finish().await {
        Some(fingerprint) => record(response, claim, fingerprint).await,
        None => response,
    }
}

/// An answer that lies ready is kept before it is sent, since the client may be gone; one that is a stream is kept when
/// its end was sent.
async fn record(response: Response, claim: Claim, fingerprint: Fingerprint) -> Response {
    let (parts, body) = response.into_parts();
    let unsettled = parts.extensions.get::<Unsettled>().cloned();
    let head = Head {
        status: parts.status,
        headers: parts.headers.clone(),
        fingerprint,
    };
    if body.size_hint().exact().is_none() {
        return Response::from_parts(
            parts,
            Body::new(Recorder::new(body, claim, head, unsettled)),
        );
    }
    if unsettled.is_some_and(|unsettled| unsettled.is_so()) {
        return Response::from_parts(parts, body);
    }
    // It is in memory already.
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    claim.keep(Answer {
        head,
        body: body.clone(),
    });
    Response::from_parts(parts, Body::from(body))
}

async fn answer_again(answer: &Answer, request: Request) -> Response {
    let (_, body) = HashedBody::within(request);
    match body.finish().await {
        Some(fingerprint) if fingerprint == answer.head.fingerprint => replay(answer),
        Some(_) => reused().into_response(),
        None => interrupted().into_response(),
    }
}

fn replay(answer: &Answer) -> Response {
    let mut headers: HeaderMap = answer.head.headers.clone();
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    (answer.head.status, headers, answer.body.clone()).into_response()
}

fn reused() -> Problem {
    Problem::new(
        ProblemKind::IdempotencyKeyReused,
        "this idempotency key was used with another request",
    )
    .field("Idempotency-Key")
    .hint(
        "send a new key with each new request, and the same one only to repeat a request unchanged",
    )
}

fn interrupted() -> Problem {
    Problem::new(
        ProblemKind::RequestMalformed,
        "the body ended before it was complete",
    )
    .hint("send the request again")
}

#[cfg(test)]
mod tests;
