//! API keys: identification, scopes and rates.
//!
//! Only digests are known here. Every request is compared with all of them in constant time, so
//! that the time of a refusal reveals nothing about the keys.

use std::{collections::BTreeSet, num::NonZeroU32, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method as HttpMethod, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use subtle::ConstantTimeEq;

use crate::{
    api::problem::{Problem, ProblemKind},
    config::{AccessConfig, KeyConfig, Scope},
};
use bundle::sha256_hex;

/// For clients that cannot send `Authorization: Bearer`.
pub(super) const HEADER: &str = "x-api-key";

/// The name of the request's key, in the request's extensions for the handlers and in the
/// response's for the log.
#[derive(Clone, Debug)]
pub(super) struct KeyName(pub(super) Arc<str>);

/// All keys of the configuration.
pub(super) struct Keys(Vec<KnownKey>);

struct KnownKey {
    name: Arc<str>,
    sha256: String,
    scopes: BTreeSet<Scope>,
    limit: Option<DefaultDirectRateLimiter>,
}

impl Keys {
    pub(super) fn new(config: &AccessConfig) -> Self {
        Self(config.keys.iter().map(KnownKey::new).collect())
    }

    /// The key in the headers.
    fn find(&self, headers: &HeaderMap) -> Result<&KnownKey, Problem> {
        let Some(given) = given_key(headers) else {
            return Err(unauthorized(
                "this server needs an API key",
                SEND_KEY,
                CHALLENGE,
            ));
        };
        let digest = sha256_hex(given);
        let mut found = None;
        for key in &self.0 {
            if key.sha256.as_bytes().ct_eq(digest.as_bytes()).into() {
                found = Some(key);
            }
        }
        found.ok_or_else(|| unauthorized("this API key is unknown", CHECK_KEY, CHALLENGE_UNKNOWN))
    }
}

impl KnownKey {
    fn new(config: &KeyConfig) -> Self {
        Self {
            name: config.name.as_str().into(),
            sha256: config.sha256.clone(),
            scopes: config.scopes.clone(),
            limit: limit(config),
        }
    }

    fn check(&self, scope: Scope) -> Result<(), Problem> {
        let Some(limit) = &self.limit else {
            return self.check_scope(scope);
        };
        let too_many = |not_until: governor::NotUntil<_>| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            Problem::new(
                ProblemKind::RateLimited,
                "rate limit exceeded for this API key",
            )
            .hint("wait for the seconds in Retry-After, then send the same request again")
            .retry_after(wait)
        };
        limit.check().map_err(too_many)?;
        self.check_scope(scope)
    }

    fn check_scope(&self, scope: Scope) -> Result<(), Problem> {
        if self.scopes.contains(&scope) {
            return Ok(());
        }
        let detail = format!("this API key lacks the scope `{scope}`");
        Err(Problem::new(ProblemKind::Forbidden, detail)
            .hint("ask the operator of this server to add the scope to the key")
            .challenge(format!(
                "{CHALLENGE}, error=\"insufficient_scope\", scope=\"{scope}\""
            )))
    }
}

/// Passes a request on if its key has the scope.
pub(super) async fn require(
    State(keys): State<Arc<Keys>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(scope) = scope_of(request.method(), request.uri().path()) else {
        return next.run(request).await;
    };
    if keys.0.is_empty() {
        return next.run(request).await;
    }
    let key = match keys.find(request.headers()) {
        Ok(key) => key,
        Err(problem) => return problem.into_response(),
    };
    let client = KeyName(key.name.clone());
    let mut response = match key.check(scope) {
        Ok(()) => {
            request.extensions_mut().insert(client.clone());
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    response.extensions_mut().insert(client);
    response
}

/// The scope that a request needs. `None` for routes without data: health, the documents and the
/// page. Every other path needs one, known or not.
pub(super) fn scope_of(method: &HttpMethod, path: &str) -> Option<Scope> {
    let is_below = |folder: &str| path.starts_with(folder);
    match path {
        "/" | "/openapi.json" | "/docs" => None,
        _ if is_below("/docs/") || is_below("/page/") => None,
        _ if is_below("/health/") || is_below("/v2/health/") => None,
        "/metrics" => Some(Scope::Metrics),
        _ if matches!(*method, HttpMethod::GET | HttpMethod::HEAD) => Some(Scope::Read),
        _ => Some(Scope::Predict),
    }
}

fn given_key(headers: &HeaderMap) -> Option<&[u8]> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then_some(key.trim().as_bytes())
    });
    bearer.or_else(|| headers.get(HEADER).map(|value| value.as_bytes()))
}

/// Limits the rate with GCRA rather than per window, so that clients need not know when a window
/// starts.
fn limit(config: &KeyConfig) -> Option<DefaultDirectRateLimiter> {
    let quota = Quota::per_minute(NonZeroU32::new(config.requests_per_minute)?);
    let quota = match NonZeroU32::new(config.burst) {
        Some(burst) => quota.allow_burst(burst),
        None => quota,
    };
    Some(RateLimiter::direct(quota))
}

const CHALLENGE: &str = r#"Bearer realm="secondlook""#;
const CHALLENGE_UNKNOWN: &str = r#"Bearer realm="secondlook", error="invalid_token""#;

const SEND_KEY: &str = "send the header `Authorization: Bearer KEY` or `X-API-Key: KEY`";
const CHECK_KEY: &str =
    "check the key for typing errors, or ask the operator of this server for a new one";

fn unauthorized(detail: &str, hint: &str, challenge: &'static str) -> Problem {
    Problem::new(ProblemKind::Unauthorized, detail)
        .field("Authorization")
        .hint(hint)
        .challenge(challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_paths_need_a_scope() {
        for path in [
            "/",
            "/docs/",
            "/page/app.js",
            "/openapi.json",
            "/health/ready",
            "/v2/health/live",
        ] {
            assert_eq!(scope_of(&HttpMethod::GET, path), None, "{path}");
        }
        let closed = [
            (HttpMethod::GET, "/metrics", Scope::Metrics),
            (HttpMethod::GET, "/v1/models", Scope::Read),
            (HttpMethod::GET, "/v2", Scope::Read),
            (HttpMethod::GET, "/anything/new", Scope::Read),
            (HttpMethod::GET, "//docs/", Scope::Read),
            (HttpMethod::POST, "/v1/predictions", Scope::Predict),
            (HttpMethod::DELETE, "/v1/jobs/1", Scope::Predict),
        ];
        for (method, path, scope) in closed {
            assert_eq!(scope_of(&method, path), Some(scope), "{path}");
        }
    }
}
