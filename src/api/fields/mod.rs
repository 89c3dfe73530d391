//! `POST /v1/fields`: a field and its nuclei in, an answer or a problem for each nucleus.

mod answer;
mod create;
mod nuclei;
mod query;
mod upload;

pub use answer::{FieldAnswer, FieldCell, FieldImage};
pub(super) use create::{__path_create_field, create_field};
pub use query::{FieldQuery, ScaleQuery};
pub use upload::MultipartField;
