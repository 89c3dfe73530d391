//! What is learnt from cells that training has not seen: temperatures, ranges, policies, when to stop, and what is usual.

pub(crate) mod alterations;
pub(crate) mod calibrate;
pub(crate) mod policies;
pub(crate) mod unlike;
mod whole;

pub(crate) use whole::{Calibrated, REFER_BELOW, calibrate_model};
