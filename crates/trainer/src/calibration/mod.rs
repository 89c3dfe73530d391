//! What is learnt from cells that training has not seen: temperatures, ranges, policies, when to stop, and what is usual.

pub mod alterations;
pub mod calibrate;
pub mod policies;
pub mod unlike;
mod whole;

pub use whole::{Calibrated, REFER_BELOW, calibrate_model};
