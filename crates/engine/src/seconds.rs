//! A time as people write it in a file.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The longest time that may be configured: a day.
const MAXIMUM: f64 = 86_400.0;

/// A time of 0 to 86,400 seconds, fractions allowed.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(into = "f64", try_from = "f64")]
pub struct Seconds(f64);

/// The number is no time that may be configured.
#[derive(Debug, thiserror::Error)]
#[error("{0} is no time in seconds from 0 to {MAXIMUM}")]
pub struct InvalidSeconds(f64);

impl Seconds {
    /// A whole number of seconds, for defaults.
    pub fn whole(seconds: u16) -> Self {
        Self(f64::from(seconds))
    }

    /// A number of hours up to a day, for defaults.
    pub fn hours(hours: u8) -> Self {
        Self(f64::from(hours) * 3600.0)
    }

    /// A fraction of seconds, for defaults.
    pub fn milliseconds(milliseconds: u16) -> Self {
        Self(f64::from(milliseconds) / 1000.0)
    }

    /// The same time for the standard library.
    pub fn duration(self) -> Duration {
        Duration::from_secs_f64(self.0)
    }
}

impl From<Seconds> for f64 {
    fn from(seconds: Seconds) -> Self {
        seconds.0
    }
}

impl TryFrom<f64> for Seconds {
    type Error = InvalidSeconds;

    fn try_from(seconds: f64) -> Result<Self, Self::Error> {
        if (0.0..=MAXIMUM).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err(InvalidSeconds(seconds))
        }
    }
}
