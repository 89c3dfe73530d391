//! The description of the interface, generated from the code: OpenAPI 3.1.

use std::sync::LazyLock;

use axum::Json;
use utoipa::{OpenApi, openapi};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    batch, fields, middleware, models, operations, predictions, problem::ProblemBody,
    service::Service,
};

/// What is written by hand; paths and schemas are collected from the handlers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "secondlook",
        description = "Classifies cervical-cell images and says how far each answer can be trusted. Every answer is a suggestion, never a diagnosis.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "predictions", description = "Classify cells"),
        (name = "models", description = "What is loaded"),
        (name = "operations", description = "For those who run it"),
    ),
    components(schemas(ProblemBody, super::vocabulary::MethodName, super::vocabulary::PriorityName, super::query::Include, super::query::SetConfidence)),
)]
struct Document;

/// The routes that the OpenAPI document describes.
pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(predictions::create_prediction))
        .routes(routes!(batch::create_predictions))
        .routes(routes!(fields::create_field))
        .routes(routes!(models::list_models))
        .routes(routes!(models::get_model))
        .routes(routes!(operations::live))
        .routes(routes!(operations::ready))
        .routes(routes!(operations::metrics))
}

/// The whole document.
pub fn document() -> openapi::OpenApi {
    let mut document = Document::openapi();
    document.merge(routes().into_openapi());
    middleware::describe(&mut document);
    document
}

/// The document as it lies in the repository as `openapi.yaml`.
///
/// # Errors
/// When the document cannot be written as YAML, which is a mistake of ours.
pub fn yaml() -> Result<String, impl std::error::Error + Send + Sync + 'static> {
    document().to_yaml()
}

/// `GET /openapi.json`.
pub(super) async fn json() -> Json<&'static openapi::OpenApi> {
    static DOCUMENT: LazyLock<openapi::OpenApi> = LazyLock::new(document);
    Json(&DOCUMENT)
}
