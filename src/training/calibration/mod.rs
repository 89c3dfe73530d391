//! What is learnt from cells that training has not seen.

pub mod calibrate;

/// The fold that the model of a bundle has not learnt from: it calibrates it.
pub const CALIBRATION_FOLD: usize = 0;
