//! The handlers.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};

use super::{ModelDetails, ModelList, ModelSummary};
use crate::api::{
    problem::{Problem, ProblemKind, Problems},
    service::Service,
};

/// List the loaded models
///
/// The first one answers requests that name no model.
#[utoipa::path(
    get,
    path = "/v1/models",
    operation_id = "listModels",
    tag = "models",
    responses((status = 200, description = "The loaded models", body = ModelList), Problems)
)]
pub(in crate::api) async fn list_models(State(service): State<Service>) -> Json<ModelList> {
    let models = service.engine.models().iter();
    Json(ModelList {
        models: models.map(|model| ModelSummary::of(model)).collect(),
    })
}

/// Describe one model
///
/// Its input, its classes, its calibration, its referral policies with their promises, and its
/// files.
#[utoipa::path(
    get,
    path = "/v1/models/{name}",
    operation_id = "getModel",
    tag = "models",
    params(("name" = String, Path, description = "Name of the model")),
    responses((status = 200, description = "The model", body = ModelDetails), Problems)
)]
pub(in crate::api) async fn get_model(
    State(service): State<Service>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<ModelDetails>, Problem> {
    let malformed = |_| {
        Problem::new(
            ProblemKind::RequestMalformed,
            "the name of the model is not UTF-8 text",
        )
        .field("name")
        .hint("GET /v1/models lists the loaded models")
    };
    let Path(name) = name.map_err(malformed)?;
    let model = service
        .engine
        .model(Some(&name))
        .map_err(|error| Problem::from(error).field("name"))?;
    Ok(Json(ModelDetails::of(model)))
}
