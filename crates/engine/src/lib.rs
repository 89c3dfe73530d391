//! From an encoded image to a judged prediction: ONNX Runtime, the queue before it, and the four methods.
//!
//! A worker thread owns its sessions; requests reach it through a bounded queue; nothing holds a lock across inference.
//! The trunk runs once per image; the heads run on each image's features by itself, so that an answer does not depend
//! on what it was batched with. What may enter: whatever concerns running models. What may not: HTTP and JSON.

#![warn(clippy::indexing_slicing)]

mod backlog;
mod check;
mod claim;
mod config;
mod drain_rate;
mod error;
mod extent;
mod field;
mod heads;
mod judge;
mod many;
mod masks;
mod methods;
mod model;
mod moving_mean;
mod overview;
mod plan;
mod precision;
mod predict;
mod prediction;
mod prepare;
mod queue;
mod rows;
mod runtime;
mod seconds;
mod sessions;
mod shared_graph;
mod start;
mod subject;
mod unlike;
mod views;
mod warning;
mod worker;

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

pub use config::{EngineConfig, ExecutionProvider, TrunkPrecision, UnknownExecutionProvider};
pub use error::{EngineError, RunError, StartError};
pub use extent::Extent;
pub use field::FieldScale;
pub use masks::{draw_mask, draw_masks};
pub use model::Model;
pub use overview::{ClassCount, Finding, Overview, overview};
pub use precision::has_vnni;
pub use prediction::{MethodAnswer, NormalisedPaperScores, PredictRequest, Prediction, Timing};
pub use queue::Priority;
pub use runtime::{Runtime, RuntimeError, SessionError, SessionOptions};
pub use seconds::{InvalidSeconds, Seconds};
pub use start::{available_cores, check_bundle, workers};
pub use subject::{FieldCrop, Subject, seed_of, seed_of_cell};
pub use warning::Warning;

use moving_mean::MovingMean;
use sessions::{HeadCall, to_i64};
use worker::Workplace;

/// Loaded bundles and the workers that answer for them. Clones share everything; the workers stop when the last clone
/// is dropped or after [`Engine::begin_drain`], once nothing waits any more.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    models: Vec<Arc<Model>>,
    /// For each bundle, the share of its views that test-time augmentation runs before it stops.
    shares_of_views: Vec<MovingMean>,
    place: Arc<Workplace>,
    max_passes: usize,
    /// One permit per image that is being decoded outside the workers.
    decoding: Arc<Semaphore>,
}

impl Engine {
    /// The loaded bundles; the first is the default.
    pub fn models(&self) -> &[Arc<Model>] {
        &self.shared.models
    }

    /// The bundle of this name, or the first one.
    ///
    /// # Errors
    /// [`EngineError::UnknownModel`]
    pub fn model(&self, name: Option<&str>) -> Result<&Arc<Model>, EngineError> {
        self.find(name).map(|(_, model)| model)
    }

    fn find(&self, name: Option<&str>) -> Result<(usize, &Arc<Model>), EngineError> {
        let mut models = self.shared.models.iter().enumerate();
        let found = models.find(|(_, model)| name.is_none_or(|name| model.name() == name));
        found.ok_or_else(|| {
            let known: Vec<_> = self
                .shared
                .models
                .iter()
                .map(|model| model.name())
                .collect();
            EngineError::UnknownModel {
                name: name.unwrap_or_default().to_owned(),
                known: known.join(", "),
            }
        })
    }

    /// The share of its views that a bundle had to answer lately, in (0, 1]; all of them before anything is known.
    fn share_of_views(&self, index: usize) -> f64 {
        let mean = self.shared.shares_of_views.get(index);
        mean.and_then(MovingMean::get).unwrap_or(1.0)
    }

    fn note_share_of_views(&self, index: usize, share: f64) {
        if let Some(mean) = self.shared.shares_of_views.get(index) {
            mean.record(share);
        }
    }

    /// Waiting work, in images × trunk passes.
    pub fn queue_depth(&self) -> usize {
        self.shared.place.queue.waiting_cost()
    }

    /// When a client that cannot be let in now should come back, from how fast the work drains: 1 to 60 s.
    pub fn retry_after(&self) -> Duration {
        self.shared.place.backlog.retry_after()
    }

    /// Takes no new work; what waits is still answered.
    pub fn begin_drain(&self) {
        self.shared.place.queue.close();
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.place.queue.close();
    }
}
