//! From class scores to what is said of a cell, and of many cells together. What may enter: types of answers and how they are made
//! of scores. What may not: running anything, and JSON.

mod judging;
mod overview;
mod prediction;
mod warning;

pub use judging::{MethodAnswer, NormalisedPaperScores};
pub(crate) use judging::{method_answer, unlikeness};
pub use overview::{CellFinding, ClassCount, Overview, overview};
pub use prediction::{Prediction, Timing};
pub use warning::Warning;
