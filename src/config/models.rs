//! Where the models are.

use std::path::PathBuf;

use documented::DocumentedFields;
use serde::{Deserialize, Serialize};

/// Section `[models]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct ModelsConfig {
    /// Directory with one bundle per sub-directory.
    pub directory: PathBuf,
    /// Name of the bundle that answers requests which name none; empty for the first by name.
    pub default: String,
}

impl Default for ModelsConfig {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("models"),
            default: String::new(),
        }
    }
}
