//! The state that the handlers share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    problem::Problem,
    upload::{NoRoom, UploadMemory, UploadShare},
};
use crate::config::{LimitsConfig, ServerConfig};
use engine::Engine;

/// Everything that a handler uses. Clones share it.
#[derive(Clone)]
pub struct Service {
    pub(super) engine: Engine,
    pub(super) metrics: PrometheusHandle,
    /// Limits on a request and its answer.
    pub(super) limits: LimitsConfig,
    /// One permit per batch or field that is processed at a time.
    turns: Arc<Semaphore>,
    /// Memory of the uploads of single images.
    pub(super) uploads: Arc<UploadMemory>,
    /// Memory of the uploads of batches and fields.
    pub(super) large_uploads: Arc<UploadMemory>,
    /// Longest time for a request.
    pub(super) request_timeout: Duration,
    draining: Arc<AtomicBool>,
}

impl Service {
    /// A service over an engine.
    pub fn new(
        engine: Engine,
        metrics: PrometheusHandle,
        limits: &LimitsConfig,
        server: &ServerConfig,
    ) -> Self {
        Self {
            engine,
            metrics,
            limits: *limits,
            turns: Arc::new(Semaphore::new(limits.batches_at_once)),
            uploads: Arc::new(UploadMemory::new(
                limits.max_waiting_bytes,
                limits.max_image_bytes,
            )),
            large_uploads: Arc::new(UploadMemory::new(
                limits
                    .batches_at_once
                    .saturating_mul(limits.max_batch_bytes),
                limits.max_batch_bytes,
            )),
            request_timeout: server.request_timeout_seconds.duration(),
            draining: Arc::default(),
        }
    }

    /// Turns `/health/ready` to 503, so that load balancers send nothing more.
    pub fn begin_drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Reserves memory in a share as the bytes of an upload arrive, and fails if there is none.
    pub(super) fn counting(
        &self,
        share: &UploadShare,
    ) -> impl FnMut(usize) -> Result<(), Problem> + Send + use<> {
        let (share, engine) = (share.clone(), self.engine.clone());
        let detail = "upload memory is full";
        move |bytes| {
            let grown = share.grow(bytes);
            grown.map_err(|NoRoom| Problem::busy(detail, engine.retry_after()))
        }
    }

    /// Waits for the permit to process a batch or field whose upload is complete, so that a slow
    /// upload does not block others. The permit is returned when the value is dropped.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        // The semaphore is never closed.
        turn.map_err(|_| Problem::draining())
    }
}
