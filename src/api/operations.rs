//! Routes for operators: liveness, readiness, metrics.

use axum::{Json, extract::State, http::header, response::IntoResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    problem::{Problem, Problems},
    service::Service,
};
use crate::telemetry;

/// The text format that Prometheus scrapes.
const METRICS_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The state of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(super) struct Health {
    /// `live` or `ready`.
    pub status: String,
}

/// Check that the process is alive
#[utoipa::path(
    get,
    path = "/health/live",
    operation_id = "getLiveness",
    tag = "operations",
    responses((status = 200, description = "The process is alive", body = Health), Problems)
)]
pub(super) async fn live() -> Json<Health> {
    Json(Health {
        status: "live".to_owned(),
    })
}

/// Check that the server accepts work
///
/// 503 while the server shuts down.
#[utoipa::path(
    get,
    path = "/health/ready",
    operation_id = "getReadiness",
    tag = "operations",
    responses((status = 200, description = "The server accepts work", body = Health), Problems)
)]
pub(super) async fn ready(State(service): State<Service>) -> Result<Json<Health>, Problem> {
    if service.is_draining() {
        return Err(Problem::draining());
    }
    Ok(Json(Health {
        status: "ready".to_owned(),
    }))
}

/// Metrics for Prometheus
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getMetrics",
    tag = "operations",
    responses((status = 200, description = "The metrics in Prometheus' text format", body = String, content_type = "text/plain"), Problems)
)]
pub(super) async fn metrics(State(service): State<Service>) -> impl IntoResponse {
    telemetry::metrics::set_queue_depth(service.engine.queue_depth());
    telemetry::metrics::set_upload_bytes(service.uploads.held(), service.large_uploads.held());
    telemetry::metrics::set_log_lines_lost(telemetry::log::lost_lines());
    (
        [(header::CONTENT_TYPE, METRICS_CONTENT_TYPE)],
        service.metrics.render(),
    )
}
