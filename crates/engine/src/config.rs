//! How the engine runs models.

use std::{fmt, str::FromStr, time::Duration};

use documented::DocumentedFields;
use serde::{Deserialize, Serialize};

/// Section `[engine]`: threads, batches and the queue before them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct EngineConfig {
    /// Where models run, the preferred first: `cpu` or `cuda:N`. One that does not load is an error at start.
    pub execution_providers: Vec<ExecutionProvider>,
    /// In which numbers trunks are run: `float32`, or `int8` or `float16` where every bundle has such a trunk (`secondlook
    /// bundles quantise` makes it). `auto` takes `int8` on processors with VNNI, where it decides alike for 99.5%
    /// of 200 images or more, else `float32`.
    pub trunk_precision: TrunkPrecision,
    /// Worker threads, each with its own sessions; 0 takes as many as there are cores, at most 8 on a GPU.
    pub workers: usize,
    /// Threads inside one session; 0 shares the cores evenly among the workers, and gives a lone request all of them.
    pub intra_threads: usize,
    /// Largest number of images that one run of the trunk takes; 0 takes 1 on the processor, where batches cost memory
    /// and bring nothing, and 8 on a GPU, where each is filled up to that.
    pub max_batch: usize,
    /// Largest amount of unfinished work, in images × trunk passes, before requests are turned away with 503.
    pub queue_capacity: usize,
    /// A request without a deadline of its own and without `priority=bulk` is turned away with 503 when it would have to
    /// wait longer than this, in seconds, for its turn.
    pub max_wait_seconds: Seconds,
    /// Largest `passes` that a request may ask for.
    pub max_passes: usize,
}

impl EngineConfig {
    /// Whether models run on a GPU: the preferred execution provider decides.
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

/// Which trunk of a bundle is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrunkPrecision {
    /// The one that was trained and calibrated, which every bundle has.
    Float32,
    /// The one in 8-bit integers; a bundle without is an error at start.
    Int8,
    /// The one in 16-bit floats; a bundle without is an error at start.
    Float16,
    /// The one in 8-bit integers where the processor is fast at them and the report says that it decides alike; else the first.
    Auto,
}

/// A kind of hardware that runs models, written `cpu` or `cuda:N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum ExecutionProvider {
    /// The processor.
    Cpu,
    /// The NVIDIA GPU with this number.
    Cuda(i32),
}

/// The text names no execution provider.
#[derive(Debug, thiserror::Error)]
#[error("there is no execution provider `{0}`: write cpu, or cuda:N with N the number of the GPU")]
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

/// The longest time that may be configured: a day.
const LONGEST_SECONDS: f64 = 86_400.0;

/// A time of 0 to 86,400 seconds, fractions allowed.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(into = "f64", try_from = "f64")]
pub struct Seconds(f64);

/// The number is no time that may be configured.
#[derive(Debug, thiserror::Error)]
#[error("{0} is no time in seconds from 0 to {LONGEST_SECONDS}")]
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
    fn providers_are_read_as_they_are_written() {
        for text in ["cpu", "cuda:0", "cuda:3"] {
            assert_eq!(text.parse::<ExecutionProvider>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_providers_are_refused() {
        for text in ["", "gpu", "cuda", "cuda:", "cuda:-1", "cuda:x", "CPU"] {
            assert!(text.parse::<ExecutionProvider>().is_err(), "{text}");
        }
    }
}
