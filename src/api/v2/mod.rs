//! `/v2`: the Open Inference Protocol with its binary tensor extension, for clients that speak it
//! already (KServe, `tritonclient`). The protocol has a specification of its own, so these routes
//! are not in `openapi.yaml`. Its errors are `{"error": "…"}`; the middleware writes them.

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
use serde::Deserialize;
use tower_http::decompression::RequestDecompressionLayer;

use super::{
    operations,
    problem::{Problem, ProblemKind},
    service::Service,
};
use engine::LoadedModel;

/// Every route of the protocol. Request bodies may be compressed with gzip or deflate.
pub(super) fn routes() -> Router<Service> {
    let mut router = Router::new()
        .route("/v2", get(metadata::server))
        .route("/v2/health/live", get(live))
        .route("/v2/health/ready", get(ready));
    for model in ["/v2/models/{name}", "/v2/models/{name}/versions/{version}"] {
        router = router
            .route(model, get(metadata::model))
            .route(&format!("{model}/ready"), get(metadata::model_ready))
            .route(&format!("{model}/infer"), post(handler::infer));
    }
    router.layer(RequestDecompressionLayer::new())
}

async fn live() -> StatusCode {
    StatusCode::OK
}

async fn ready(state: State<Service>) -> Result<StatusCode, Problem> {
    let ready: Result<Json<_>, Problem> = operations::ready(state).await;
    ready.map(|_| StatusCode::OK)
}

/// A model by its name, and optionally by its version.
#[derive(Deserialize)]
struct ModelPath {
    name: String,
    version: Option<String>,
}

impl ModelPath {
    fn find<'service>(
        &self,
        service: &'service Service,
    ) -> Result<&'service Arc<LoadedModel>, Problem> {
        let model = service.engine.model(Some(&self.name))?;
        let known = &model.manifest().version;
        match &self.version {
            Some(version) if version != known => {
                let detail = format!("model `{}` has no version `{version}`", self.name);
                let problem = Problem::new(ProblemKind::ModelUnknown, detail);
                Err(problem.hint(format!("request its version `{known}`, or no version")))
            }
            _ => Ok(model),
        }
    }
}
