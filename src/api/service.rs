//! What the handlers share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use metrics_exporter_prometheus::PrometheusHandle;

use crate::{
    config::{LimitsConfig, ServerConfig},
    engine::Engine,
};

/// Everything that a handler may use. Clones share everything.
#[derive(Clone)]
pub struct Service {
    engine: Engine,
    metrics: PrometheusHandle,
    max_image_bytes: usize,
    request_timeout: Duration,
    draining: Arc<AtomicBool>,
}

impl Service {
    /// Puts an engine behind the interface.
    pub fn new(
        engine: Engine,
        metrics: PrometheusHandle,
        limits: &LimitsConfig,
        server: &ServerConfig,
    ) -> Self {
        Self {
            engine,
            metrics,
            max_image_bytes: limits.max_image_bytes,
            request_timeout: server.request_timeout_seconds.duration(),
            draining: Arc::default(),
        }
    }

    /// From now on `/health/ready` says 503, so that load balancers send nothing more.
    pub fn begin_drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn metrics(&self) -> &PrometheusHandle {
        &self.metrics
    }

    /// Largest encoded image in bytes.
    pub(super) fn max_image_bytes(&self) -> usize {
        self.max_image_bytes
    }

    /// Longest time for a whole request.
    pub(super) fn request_timeout(&self) -> Duration {
        self.request_timeout
    }
}
