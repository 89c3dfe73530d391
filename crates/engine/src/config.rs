//! Configuration of the engine.

use std::{fmt, str::FromStr, time::Duration};

use documented::DocumentedFields;
use serde::{Deserialize, Serialize};

/// Section `[engine]`: threads, batches and the queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct EngineConfig {
    /// Where models run, in order of preference: `cpu` or `cuda:N`. A provider that does not load
    /// is an error at start.
    pub execution_providers: Vec<ExecutionProvider>,
    /// Precision of trunks: `float32`, `int8` or `float16` (if every bundle has such a trunk, which
    /// `secondlook bundles quantise` makes), or `auto`. `auto` uses `int8` on processors with VNNI
    /// if its decisions agree for 99.5% of 200 images or more, else `float32`.
    pub trunk_precision: TrunkPrecision,
    /// Number of worker threads, each with its own sessions. 0 uses the number of cores, at most 8
    /// on a GPU.
    pub workers: usize,
    /// Threads inside one session. 0 shares the cores evenly among the workers, and gives a lone
    /// request all of them.
    pub intra_threads: usize,
    /// Largest number of images in one run of the trunk. 0 uses 1 on the processor, where larger
    /// batches only cost memory, and 8 on a GPU, where each batch is filled up to that size.
    pub max_batch: usize,
    /// Largest amount of unfinished work, in images × trunk passes. Further requests are refused
    /// with 503.
    pub queue_capacity: usize,
    /// Longest expected wait in seconds of a request without a deadline and without
    /// `priority=bulk`. Requests that would wait longer are refused with 503.
    pub max_wait_seconds: Seconds,
    /// Largest `passes` of a request.
    pub max_passes: usize,
}

impl EngineConfig {
    /// Whether models run on a GPU, by the preferred execution provider.
    pub fn is_on_gpu(&self) -> bool {
        matches!(
            self.execution_providers.first(),
            Some(ExecutionProvider::Cuda(_))
        )
    }
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            execution_providers: vec![ExecutionProvider::Cpu],
            trunk_precision: TrunkPrecision::Float32,
            workers: 0,
            intra_threads: 0,
            max_batch: 0,
            queue_capacity: 1024,
            max_wait_seconds: Seconds::milliseconds(750),
            max_passes: 200,
        }
    }
}

/// The trunk of a bundle that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrunkPrecision {
    /// 32-bit floats, as trained and calibrated. Every bundle has this trunk.
    Float32,
    /// 8-bit integers. A bundle without this trunk is an error at start.
    Int8,
    /// 16-bit floats. A bundle without this trunk is an error at start.
    Float16,
    /// 8-bit integers if the processor is fast at them and the bundle's report shows agreement;
    /// else `float32`.
    Auto,
}

/// Hardware that runs models, written `cpu` or `cuda:N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum ExecutionProvider {
    /// The processor.
    Cpu,
    /// The NVIDIA GPU with this number.
    Cuda(i32),
}

/// The text is not an execution provider.
#[derive(Debug, thiserror::Error)]
#[error(
    "unknown execution provider `{0}`: write cpu, or cuda:N for the GPU with number N, such as cuda:0"
)]
pub struct UnknownExecutionProvider(String);

impl fmt::Display for ExecutionProvider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => formatter.write_str("cpu"),
            Self::Cuda(device) => write!(formatter, "cuda:{device}"),
        }
    }
}

impl FromStr for ExecutionProvider {
    type Err = UnknownExecutionProvider;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "cpu" {
            return Ok(Self::Cpu);
        }
        let device = text
            .strip_prefix("cuda:")
            .and_then(|number| number.parse::<u16>().ok());
        device
            .map(|number| Self::Cuda(i32::from(number)))
            .ok_or_else(|| UnknownExecutionProvider(text.to_owned()))
    }
}

impl From<ExecutionProvider> for String {
    fn from(provider: ExecutionProvider) -> Self {
        provider.to_string()
    }
}

impl TryFrom<String> for ExecutionProvider {
    type Error = UnknownExecutionProvider;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// The longest time that can be configured: a day.
const LONGEST_SECONDS: f64 = 86_400.0;

/// A time from 0 to 86,400 seconds, with fractions.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(into = "f64", try_from = "f64")]
pub struct Seconds(f64);

/// The number is outside the range of [`Seconds`].
#[derive(Debug, thiserror::Error)]
#[error("expected a time from 0 to {LONGEST_SECONDS} seconds, found {0}")]
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
        if (0.0..=LONGEST_SECONDS).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err(InvalidSeconds(seconds))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::ExecutionProvider;

    #[test]
    fn provider_names_round_trip() {
        for text in ["cpu", "cuda:0", "cuda:3"] {
            assert_eq!(text.parse::<ExecutionProvider>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn unknown_providers_are_refused() {
        for text in ["", "gpu", "cuda", "cuda:", "cuda:-1", "cuda:x", "CPU"] {
            assert!(text.parse::<ExecutionProvider>().is_err(), "{text}");
        }
    }
}
