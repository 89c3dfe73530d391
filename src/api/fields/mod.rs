//! `POST /v1/fields`: an answer or a problem for each nucleus of a field.

mod handler;
mod request;
mod response;

pub(super) use handler::{__path_create_field, create_field};
pub use request::{FieldQuery, MultipartField, ScaleQuery};
pub use response::{FieldAnswer, FieldCell, FieldImage};
