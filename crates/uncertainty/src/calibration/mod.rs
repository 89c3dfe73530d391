//! What a calibration set teaches: the scale of each measure and the temperature of the logits.

mod range;
mod temperature;

pub use range::{Range, RangeError};
pub use temperature::{TemperatureError, apply_temperature};
