//! Why there is no report.

use std::path::PathBuf;

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
    /// A file or folder cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A number or text cannot be put into a file's format.
    #[error("cannot write {}: {reason}", path.display())]
    Format {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}
