//! From an encoded image to a judged prediction: ONNX Runtime, the queue before it, and the four methods.
//!
//! A worker thread owns its sessions; requests reach it through a bounded queue; nothing holds a lock across inference.
//! The trunk runs once per image; the heads run on each image's features by itself, so that an answer does not depend
//! on what it was batched with. What may enter: whatever concerns running models. What may not: HTTP and JSON.
//!
//! A module uses only those before it in this list: `config`, `installed`, `error`, `model`, `queue`, `method`, `session`, `admission`,
//! `answer`, `worker`, `request`, `engine`.

#![warn(clippy::indexing_slicing)]

mod admission;
mod answer;
mod config;
mod engine;
mod error;
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
