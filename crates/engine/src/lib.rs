//! The inference engine, from an encoded image to a prediction with a decision: ONNX Runtime, the
//! queue in front of it, and the four methods.
//!
//! Each worker thread owns its sessions; requests reach it through a bounded queue. No lock is held
//! during inference. The trunk runs once per image, and the heads run on each image's features
//! separately, so an answer does not depend on the batch that the image was in. The crate runs
//! models; it does not know HTTP or JSON.
//!
//! A module uses only those before it in this list: `config`, `installed`, `failure`, `error`,
//! `model`, `queue`, `method`, `session`, `admission`, `answer`, `worker`, `request`, `engine`.

#![warn(clippy::indexing_slicing)]

mod admission;
mod answer;
mod config;
mod engine;
mod error;
mod failure;
pub mod installed;
mod method;
mod model;
mod queue;
mod request;
mod session;
mod worker;

pub use admission::{Extent, FieldScale, RequestOptions, RequestPlan};
pub use answer::{
    CellFinding, ClassCount, ImageIdentity, MethodAnswer, NormalisedPaperScores, Overview,
    Prediction, Timing, Warning, overview,
};
pub use config::{
    EngineConfig, ExecutionProvider, InvalidSeconds, Seconds, TrunkPrecision,
    UnknownExecutionProvider,
};
pub use engine::Engine;
pub use error::{EngineError, RunError, RuntimeError, SessionError, StartError};
pub use method::{draw_mask, draw_masks};
pub use model::LoadedModel;
pub use queue::Priority;
pub use session::{Runtime, SessionOptions, available_cores, check_bundle, has_vnni, workers};
pub use worker::{DecodedField, FieldCrop, Subject, seed_of};
