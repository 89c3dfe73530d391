//! What a calibration set teaches: the scale of each measure and the temperature of the logits.
//!
//! Files and data sets stay outside: these are functions of numbers that the trainer fits and the server applies.

mod range;
mod temperature;

pub use range::{Range, RangeError};
pub use temperature::{
    TemperatureError, TemperatureFit, TemperatureStatus, apply_temperature, fit_temperature,
};
