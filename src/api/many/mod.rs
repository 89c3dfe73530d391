//! Many cells in one request: each gets an answer or a problem of its own.

mod in_order;
mod lines;
mod outcome;
mod overview;

pub(super) use in_order::answer_in_order;
pub(super) use lines::stream_lines;
pub(super) use outcome::{Judge, Outcome};
pub use overview::{CellReference, CellsOfClass, CellsOverview};
