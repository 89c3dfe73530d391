//! What is learnt from cells that training has not seen: temperatures, ranges, policies, when to stop, and what is usual.

pub mod alterations;
pub mod calibrate;
pub mod policies;
pub mod unlike;
mod whole;

pub use whole::{Calibrated, REFER_BELOW, calibrate_model};

/// The fold that the model of a bundle has not learnt from: it calibrates it.
pub const CALIBRATION_FOLD: usize = 0;
