//! The sections of the configuration that are plain values.

use std::path::{Path, PathBuf};

use documented::DocumentedFields;
use serde::{Deserialize, Serialize};

use super::Seconds;

/// Section `[server]`: times in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Longest time for a whole request, upload included; then 504. `X-Request-Timeout` may ask for less, not for more.
    pub request_timeout_seconds: Seconds,
    /// Longest time in which a connection must send its first byte, and then a whole request head.
    pub header_read_timeout_seconds: Seconds,
    /// How long after SIGTERM requests are still taken while `/health/ready` already says 503, for load balancers to notice.
    pub drain_delay_seconds: Seconds,
    /// How long requests in flight may then take to finish before they are cut off.
    pub drain_timeout_seconds: Seconds,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            request_timeout_seconds: Seconds::whole(30),
            header_read_timeout_seconds: Seconds::whole(10),
            drain_delay_seconds: Seconds::whole(0),
            drain_timeout_seconds: Seconds::whole(25),
        }
    }
}

/// Section `[limits]`: checked before memory is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Largest encoded image in bytes; more is answered 413.
    pub max_image_bytes: usize,
    /// Largest width × height that an image may declare; more is answered 413.
    pub max_pixels: u64,
    /// Most bytes of single images that are being read or wait for their turn, all together; more is answered 503.
    pub max_waiting_bytes: usize,
    /// Most crops in a batch, nuclei in a field or images in one inference request; more is answered 413.
    pub max_cells: usize,
    /// Largest batch in bytes, all images together; more is answered 413.
    pub max_batch_bytes: usize,
    /// Largest answer in bytes, as cells × passes × classes allow it; a request whose answer could be larger is refused with
    /// 422 before anything is run.
    pub max_answer_bytes: usize,
    /// Batches and fields that are worked on at a time; further ones wait for their turn. As many times `max_batch_bytes` is
    /// what the uploads of all of them may hold together; more is answered 503.
    pub batches_at_once: usize,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            max_image_bytes: 20_000_000,
            max_pixels: 50_000_000,
            max_waiting_bytes: 200_000_000,
            max_cells: 1000,
            max_batch_bytes: 100_000_000,
            max_answer_bytes: 64_000_000,
            batches_at_once: 4,
        }
    }
}

/// Section `[models]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct ModelsConfig {
    /// Directory with one bundle per sub-directory. Empty: `models/` of the working directory, beside the program or above
    /// it, else `/usr/share/secondlook/models`; the first that holds a bundle.
    pub directory: PathBuf,
    /// Name of the bundle that answers requests which name none; empty for the first by name.
    pub default: String,
}

impl ModelsConfig {
    /// The configured directory, or none when the key is empty.
    pub fn directory(&self) -> Option<&Path> {
        Some(self.directory.as_path()).filter(|path| !path.as_os_str().is_empty())
    }
}

/// Section `[runtime]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct RuntimeConfig {
    /// The shared library of ONNX Runtime. Empty: the one in `runtime/` of the working directory, beside the program or
    /// above it, else in `/usr/lib/secondlook`. `ORT_DYLIB_PATH` overrides it.
    pub library: PathBuf,
}

impl RuntimeConfig {
    /// The configured library, or none when the key is empty.
    pub fn library(&self) -> Option<&Path> {
        Some(self.library.as_path()).filter(|path| !path.as_os_str().is_empty())
    }
}

/// Section `[log]`: one line per request and what happens around them, on standard error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// `text` for people, `json` for machines.
    pub format: LogFormat,
    /// What to write: a level (`error`, `warn`, `info`, `debug`, `trace`) or directives such as `info,ort=warn`:
    /// ONNX Runtime tells much at info.
    pub filter: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            filter: "info,ort=warn".to_owned(),
        }
    }
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Plain lines.
    Text,
    /// A JSON object per line.
    Json,
}
