//! The body of every error, whoever made it: ours, the router's 404 and 405, an extractor's refusal, a caught panic.

use axum::{
    Extension,
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};

use super::request_id::RequestId;
use crate::api::problem::{Problem, ProblemForm, ProblemKind};

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
