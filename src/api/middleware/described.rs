//! The parts of the OpenAPI document that come from the middleware: API keys, `Idempotency-Key`,
//! and their problems.

use utoipa::openapi::{
    OpenApi, RefOr, Required,
    path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
    schema::{ObjectBuilder, Type},
    security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
};

use super::keys::scope_of;
use crate::api::problem::problem_response;

const BEARER: &str = "bearer";
const HEADER: &str = "api_key";

/// Problems of routes that may need a key.
const OF_KEYS: [(&str, &str); 3] = [
    ("401", "The API key is missing or unknown"),
    ("403", "The API key lacks the scope"),
    (
        "429",
        "The API key is over its `requests_per_minute`; `Retry-After` says when to try again",
    ),
];

/// Completes a document.
pub(in crate::api) fn describe(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let header = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key")));
    components.add_security_scheme(BEARER, bearer);
    components.add_security_scheme(HEADER, header);
    for (path, item) in &mut document.paths.paths {
        describe_path(path, item);
    }
}

fn describe_path(path: &str, item: &mut PathItem) {
    for (method, operation) in [
        (axum::http::Method::GET, &mut item.get),
        (axum::http::Method::POST, &mut item.post),
    ] {
        let Some(operation) = operation else { continue };
        if scope_of(&method, path).is_none() {
            continue;
        }
        // A server without keys needs none, so an empty requirement is one of the alternatives.
        operation.security = Some(vec![
            SecurityRequirement::default(),
            SecurityRequirement::new::<_, _, String>(BEARER, []),
            SecurityRequirement::new::<_, _, String>(HEADER, []),
        ]);
        OF_KEYS
            .iter()
            .for_each(|problem| add_problem(operation, *problem));
        if method == axum::http::Method::POST {
            operation
                .parameters
                .get_or_insert_default()
                .push(RefOr::T(idempotency_key()));
        }
    }
}

fn add_problem(operation: &mut Operation, (status, description): (&str, &str)) {
    let responses = &mut operation.responses.responses;
    responses
        .entry(status.to_owned())
        .or_insert_with(|| problem_response(description));
}

fn idempotency_key() -> Parameter {
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Accepted without effect: the same request always gets the same answer, under the same `id`",
        ))
        .schema(Some(text))
        .build()
}
