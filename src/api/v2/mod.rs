//! `/v2`: the Open Inference Protocol with its binary tensor extension, for clients that speak it already (KServe,
//! `tritonclient`). The protocol has a description of its own, so these routes are not in `openapi.yaml`; its errors are
//! `{"error": "…"}`, which the middleware writes.

mod data;
mod infer;
mod inputs;
mod lists;
mod metadata;
mod outputs;
mod request;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use serde_json::{Value, json};
use tower_http::decompression::RequestDecompressionLayer;

use super::{health, problem::Problem, service::Service};
use engine::LoadedModel;

pub(super) use request::HEADER_LENGTH;

/// Every route of the protocol. Request bodies may be compressed with gzip or deflate.
pub(super) fn routes() -> Router<Service> {
    Router::new()
        .route("/v2", get(metadata::server))
        .route("/v2/health/live", get(live))
        .route("/v2/health/ready", get(ready))
        .route("/v2/models/{name}", get(metadata::model))
        .route("/v2/models/{name}/ready", get(metadata::model_ready))
        .route("/v2/models/{name}/infer", post(infer::infer))
        .route(
            "/v2/models/{name}/versions/{version}",
            get(metadata::version),
        )
        .route(
            "/v2/models/{name}/versions/{version}/ready",
            get(metadata::version_ready),
        )
        .route(
            "/v2/models/{name}/versions/{version}/infer",
            post(infer::infer_version),
        )
        .layer(RequestDecompressionLayer::new())
}

/// Whether errors of this path are written as the protocol has them.
pub(super) fn speaks(path: &str) -> bool {
    path == "/v2" || path.starts_with("/v2/")
}

/// The body of an error.
pub(super) fn error_body(problem: &Problem) -> Value {
    let body = problem.body("");
    let error = match body.hint {
        Some(hint) => format!("{}: {hint}", body.detail),
        None => body.detail,
    };
    json!({ "error": error })
}

async fn live() -> StatusCode {
    StatusCode::OK
}

async fn ready(state: State<Service>) -> Result<StatusCode, Problem> {
    let ready: Result<Json<_>, Problem> = health::ready(state).await;
    ready.map(|_| StatusCode::OK)
}

/// The model of this name, and of this version where one is asked for.
fn find<'service>(
    service: &'service Service,
    name: &str,
    version: Option<&str>,
) -> Result<&'service Arc<LoadedModel>, Problem> {
    let model = service.engine().model(Some(name))?;
    let known = &model.manifest().version;
    match version {
        Some(version) if version != known => Err(Problem::new(
            super::problem::ProblemKind::ModelUnknown,
            format!("model `{name}` has no version `{version}`"),
        )
        .hint(format!("it has `{known}`"))),
        _ => Ok(model),
    }
}
