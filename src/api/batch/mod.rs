//! `POST /v1/predictions:batch`: many crops in, an answer or a problem for each.

mod answer;
mod create;
mod upload;

pub use answer::{BatchAnswer, BatchItem};
pub(super) use create::{__path_create_predictions, create_predictions};
pub use upload::MultipartBatch;
