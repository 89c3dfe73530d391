//! Where ONNX Runtime is.

use std::path::{Path, PathBuf};

use documented::DocumentedFields;
use serde::{Deserialize, Serialize};

/// Section `[runtime]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct RuntimeConfig {
    /// The shared library of ONNX Runtime; empty for the one in `runtime/`. `ORT_DYLIB_PATH` overrides it.
    pub library: PathBuf,
}

impl RuntimeConfig {
    /// The configured library, or none when the key is empty.
    pub fn library(&self) -> Option<&Path> {
        Some(self.library.as_path()).filter(|path| !path.as_os_str().is_empty())
    }
}
