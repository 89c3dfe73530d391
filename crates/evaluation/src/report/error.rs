//! Errors of the report.

use std::{
    io,
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::EvaluationError;

/// Text of [`ReportError::Input`] without a question.
pub(super) const NO_QUESTION: &str =
    "the report needs at least one question; give at least 2 labels";

/// Why a report cannot be made.
#[derive(Debug, Error)]
pub enum ReportError {
    /// A figure cannot be computed.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// The input is inconsistent.
    #[error("{0}")]
    Input(String),
    /// A file or folder cannot be written.
    #[error("cannot write {}: {reason}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
}

impl ReportError {
    /// For `map_err` on writing `path`.
    pub(super) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Write {
            path,
            reason: reason(&error),
        }
    }

    /// For `map_err` on a value that the file's format cannot hold.
    pub(super) fn format<E>(path: &Path) -> impl FnOnce(E) -> Self {
        let path = path.to_owned();
        move |_| Self::Write {
            path,
            reason: "a number or text of the report does not fit the format".to_owned(),
        }
    }
}

/// The error without the system's error number.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a part of the path is a file, expected a folder".to_owned()
        }
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        _ => {
            let text = error.to_string();
            let end = text.find(" (os error").unwrap_or(text.len());
            text[..end].to_owned()
        }
    }
}
