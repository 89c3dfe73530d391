//! `GET /metrics`.

use axum::{extract::State, http::header, response::IntoResponse};

use super::{openapi::Problems, service::Service};
use crate::telemetry;

/// The text format that Prometheus scrapes.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Figures for Prometheus
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getMetrics",
    tag = "operations",
    responses((status = 200, description = "The figures", body = String, content_type = "text/plain"), Problems)
)]
pub(super) async fn metrics(State(service): State<Service>) -> impl IntoResponse {
    telemetry::metrics::set_queue_depth(service.engine().queue_depth());
    telemetry::metrics::set_upload_bytes(service.upload_bytes(), service.large_upload_bytes());
    telemetry::metrics::set_log_lines_lost(telemetry::log::lost_lines());
    (
        [(header::CONTENT_TYPE, CONTENT_TYPE)],
        service.metrics().render(),
    )
}
