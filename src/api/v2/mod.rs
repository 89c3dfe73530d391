//! `/v2`: the Open Inference Protocol with its binary tensor extension, for clients that speak it already (KServe,
//! `tritonclient`). The protocol has a description of its own, so these routes are not in `openapi.yaml`; its errors are
//! `{"error": "…"}`, which the middleware writes.

mod handler;
mod inputs;
mod metadata;
mod request;
mod response;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use tower_http::decompression::RequestDecompressionLayer;

use super::{
    operations,
    problem::{Problem, ProblemKind},
    service::Service,
};
use engine::LoadedModel;

/// Every route of the protocol. Request bodies may be compressed with gzip or deflate.
pub(super) fn routes() -> Router<Service> {
    Router::new()
        .route("/v2", get(metadata::server))
        .route("/v2/health/live", get(live))
        .route("/v2/health/ready", get(ready))
        .route("/v2/models/{name}", get(metadata::model))
        .route("/v2/models/{name}/ready", get(metadata::model_ready))
        .route("/v2/models/{name}/infer", post(handler::infer))
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
            post(handler::infer_version),
        )
        .layer(RequestDecompressionLayer::new())
}

async fn live() -> StatusCode {
    StatusCode::OK
}

async fn ready(state: State<Service>) -> Result<StatusCode, Problem> {
    let ready: Result<Json<_>, Problem> = operations::ready(state).await;
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
            ProblemKind::ModelUnknown,
            format!("model `{name}` has no version `{version}`"),
        )
        .hint(format!("it has `{known}`"))),
        _ => Ok(model),
    }
}
