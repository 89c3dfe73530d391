//! `POST /v1/predictions:batch`: many crops in, an answer or a problem for each.

mod handler;
mod request;
mod response;

pub(super) use handler::{__path_create_predictions, create_predictions};
pub use request::MultipartBatch;
pub use response::{BatchAnswer, BatchItem};
