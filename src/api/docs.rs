//! `/docs`: the OpenAPI document as a page, served from the binary.

use std::sync::Arc;

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use utoipa_swagger_ui::Config;

/// Swagger UI has inline styles and data URLs. Everything else must come from this server.
const CONTENT_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

pub(super) async fn index() -> Response {
    serve("index.html")
}

pub(super) async fn file(Path(name): Path<String>) -> Response {
    serve(&name)
}

fn serve(name: &str) -> Response {
    // Relative, so that the page also works behind a proxy that serves it below a path.
    let config = Config::new(["../openapi.json"])
        .validator_url("none")
        .use_base_layout();
    match utoipa_swagger_ui::serve(name, Arc::new(config)) {
        Ok(Some(file)) => {
            let headers = [
                (header::CONTENT_TYPE, with_charset(&file.content_type)),
                (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY.to_owned()),
            ];
            (headers, file.bytes.into_owned()).into_response()
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn with_charset(content_type: &str) -> String {
    if content_type.starts_with("text/") {
        format!("{content_type}; charset=utf-8")
    } else {
        content_type.to_owned()
    }
}
