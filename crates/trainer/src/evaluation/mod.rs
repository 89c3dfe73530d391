//! How good a model is on cells that it has not learnt from: scores, their calibration, and everything that the report shows.

pub(crate) mod answers;
pub(crate) mod input;
mod policies;
pub(crate) mod summary;
pub(crate) mod tables;
pub(crate) mod unlike;
