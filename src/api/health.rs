//! Whether the server lives, and whether it wants work.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{openapi::Problems, problem::Problem, service::Service};

/// The state of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(super) struct Health {
    /// `live` or `ready`.
    pub status: String,
}

/// Is the process alive
#[utoipa::path(
    get,
    path = "/health/live",
    operation_id = "getLiveness",
    tag = "operations",
    responses((status = 200, description = "It is", body = Health), Problems)
)]
pub(super) async fn live() -> Json<Health> {
    Json(Health {
        status: "live".to_owned(),
    })
}

/// Does the server take work
///
/// 503 once it is shutting down.
#[utoipa::path(
    get,
    path = "/health/ready",
    operation_id = "getReadiness",
    tag = "operations",
    responses((status = 200, description = "It does", body = Health), Problems)
)]
pub(super) async fn ready(State(service): State<Service>) -> Result<Json<Health>, Problem> {
    if service.is_draining() {
        return Err(Problem::draining());
    }
    Ok(Json(Health {
        status: "ready".to_owned(),
    }))
}
