//! Every route.

use axum::{Router, http::StatusCode, response::Redirect, routing::get};

use super::{docs, middleware, openapi, page, service::Service, v2};
use crate::config::AccessConfig;

/// The whole interface, with the access rules of the configuration.
pub fn router(service: Service, access: &AccessConfig) -> Router {
    let (documented, _) = openapi::routes().split_for_parts();
    let routes = documented
        .merge(v2::routes())
        .route("/openapi.json", get(openapi::json))
        .route("/docs", get(|| async { Redirect::permanent("docs/") }))
        .route("/docs/", get(docs::index))
        .route("/docs/{*file}", get(docs::file))
        .route("/", get(page::index))
        .route("/page/{file}", get(page::file))
        .fallback(|| async { StatusCode::NOT_FOUND });
    middleware::wrap(routes, &service, access).with_state(service)
}
