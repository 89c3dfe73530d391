//! How good a model is on cells that it has not learnt from: scores, their calibration, and everything that the report shows.

pub mod answers;
pub mod input;
mod policies;
pub mod summary;
pub mod tables;
pub mod unlike;
