//! The sections that are plain values.

use std::path::{Path, PathBuf};

use documented::DocumentedFields;
use serde::{Deserialize, Serialize};

use super::Seconds;

/// Section `[server]`: times in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Longest time for a request, upload included. After it the answer is 504. `X-Request-Timeout`
    /// can shorten it for one request.
    pub request_timeout_seconds: Seconds,
    /// Longest time for a connection to send its first byte, and for each request head.
    pub header_read_timeout_seconds: Seconds,
    /// After SIGTERM `/health/ready` answers 503 at once, and the server still accepts requests for
    /// this long, so that load balancers notice.
    pub drain_delay_seconds: Seconds,
    /// Longest time for requests in flight to finish after that. Then their connections are closed.
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

/// Section `[limits]`: checked before memory is allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Largest encoded image in bytes; a larger one is answered 413.
    pub max_image_bytes: usize,
    /// Largest number of pixels (width × height) of an image; a larger one is answered 413.
    pub max_pixels: u64,
    /// Memory for the uploads of single images that arrive or wait, in bytes. If it is full,
    /// further uploads are answered 503.
    pub max_waiting_bytes: usize,
    /// Largest number of crops in a batch, nuclei in a field or images in an inference request;
    /// more are answered 413.
    pub max_cells: usize,
    /// Largest batch in bytes, all images together; a larger one is answered 413.
    pub max_batch_bytes: usize,
    /// Largest answer in bytes. The size is computed from cells, passes and classes before the
    /// model runs, and a request whose answer could be larger is answered 422.
    pub max_answer_bytes: usize,
    /// Number of batches and fields that are processed at a time; further ones wait. All of their
    /// uploads together may hold this number times `max_batch_bytes`; more are answered 503.
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
    /// Directory with one bundle per sub-directory. Empty: `models/` of the working directory,
    /// beside the program or above it, else `/usr/share/secondlook/models`; the first that has a
    /// bundle.
    pub directory: PathBuf,
    /// Name of the bundle for requests that name no model; empty for the first by name.
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
    /// Path of the ONNX Runtime library. Empty: the one in `runtime/` of the working directory,
    /// beside the program or above it, else in `/usr/lib/secondlook`. `ORT_DYLIB_PATH` overrides
    /// it.
    pub library: PathBuf,
}

impl RuntimeConfig {
    /// The configured library; `None` if the key is empty.
    pub fn library(&self) -> Option<&Path> {
        Some(self.library.as_path()).filter(|path| !path.as_os_str().is_empty())
    }
}

/// Section `[log]`: events and one line per request, on standard error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// `text` for people, `json` for programs.
    pub format: LogFormat,
    /// Which lines to write: a level (`error`, `warn`, `info`, `debug`, `trace`), or levels per
    /// part such as `info,ort=warn`. ONNX Runtime (`ort`) writes many lines at `info`.
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

/// The form of a line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Plain lines.
    Text,
    /// A JSON object per line.
    Json,
}
