//! What is learnt from cells that training has not seen.

pub mod calibrate;
pub mod held_out;
