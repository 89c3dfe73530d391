//! What is written about the work.

use documented::DocumentedFields;
use serde::{Deserialize, Serialize};

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
