//! Every route.

use axum::{Router, http::StatusCode, response::Redirect, routing::get};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    batch, docs, fields, health, metrics, middleware, models, openapi, page, predictions,
    service::Service, v2,
};
use crate::config::AccessConfig;

/// The routes that the OpenAPI document describes.
pub(super) fn documented_routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(predictions::create_prediction))
        .routes(routes!(batch::create_predictions))
        .routes(routes!(fields::create_field))
        .routes(routes!(models::list_models))
        .routes(routes!(models::get_model))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::metrics))
}

/// The whole interface over a service, for those whom the configuration lets in.
pub fn router(service: Service, access: &AccessConfig) -> Router {
    let (documented, _) = documented_routes().split_for_parts();
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
