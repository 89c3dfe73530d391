//! What the handlers share.

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

/// Everything that a handler may use. Clones share everything.
#[derive(Clone)]
pub struct Service {
    pub(super) engine: Engine,
    pub(super) metrics: PrometheusHandle,
    /// What a request and its answer may ask of this server.
    pub(super) limits: LimitsConfig,
    /// One permit per batch or field that may be worked on.
    turns: Arc<Semaphore>,
    /// What single images hold in memory.
    pub(super) uploads: Arc<UploadMemory>,
    /// What batches and fields hold in memory.
    pub(super) large_uploads: Arc<UploadMemory>,
    /// Longest time for a whole request.
    pub(super) request_timeout: Duration,
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

    /// From now on `/health/ready` says 503, so that load balancers send nothing more.
    pub fn begin_drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Takes room in a share for the bytes of an upload as they arrive, and says so when there is none.
    pub(super) fn counting(
        &self,
        share: &UploadShare,
    ) -> impl FnMut(usize) -> Result<(), Problem> + Send + use<> {
        let (share, engine) = (share.clone(), self.engine.clone());
        let detail = "the uploads that wait hold as much memory as they may together";
        move |bytes| {
            let grown = share.grow(bytes);
            grown.map_err(|NoRoom| Problem::busy(detail, engine.retry_after()))
        }
    }

    /// Waits until a batch or a field that was read may be worked on, so that one that is still on its way keeps nobody
    /// else waiting; its turn ends when what is returned is dropped.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        // Nobody closes the semaphore before the process ends.
        turn.map_err(|_| Problem::draining())
    }
}
