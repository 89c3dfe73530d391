//! Why there is no report.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::EvaluationError;

/// Why a report cannot be made.
#[derive(Debug, Error)]
pub enum ReportError {
    /// A figure cannot be computed.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// The input contradicts itself.
    #[error("{0}")]
    Input(String),
    /// A file or folder cannot be written, or a number or text not be put into the file's format.
    #[error("cannot write {}: {reason}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl ReportError {
    /// For `map_err` on writing `path`.
    pub(super) fn write<E: ToString>(path: &Path) -> impl FnOnce(E) -> Self {
        let path = path.to_owned();
        move |error| Self::Write {
            path,
            reason: error.to_string(),
        }
    }
}
