//! The OpenAPI 3.1 document, generated from the code.

use std::sync::LazyLock;

use axum::Json;
use utoipa::{OpenApi, openapi};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    batch, fields, middleware, models, operations, predictions, problem::ProblemBody,
    service::Service,
};

/// The parts that are written by hand. Paths and schemas are collected from the handlers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "secondlook",
        description = "Classifies images of cervical cells and says how far to trust each answer. Every answer is a suggestion for a professional, not a diagnosis.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "predictions", description = "Classify cells"),
        (name = "models", description = "Loaded models"),
        (name = "operations", description = "Health and metrics, for operators"),
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

/// The document as YAML, the content of `openapi.yaml`.
///
/// # Errors
/// If the document cannot be written as YAML, which is a bug.
pub fn yaml() -> Result<String, impl std::error::Error + Send + Sync + 'static> {
    document().to_yaml()
}

/// `GET /openapi.json`.
pub(super) async fn json() -> Json<&'static openapi::OpenApi> {
    static DOCUMENT: LazyLock<openapi::OpenApi> = LazyLock::new(document);
    Json(&DOCUMENT)
}
