//! `POST /v1/predictions`: one cell in, one answer out.

mod handler;
mod request;
mod response;

pub(super) use handler::{__path_create_prediction, create_prediction};
pub use request::{Include, MultipartUpload, PredictionQuery};
