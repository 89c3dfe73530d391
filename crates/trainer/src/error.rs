//! The errors of the trainer: one sentence each, with what to do about it.

use std::{io, path::PathBuf};

use crate::plain;

/// Why a step of the trainer stopped.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// A file could not be read.
    #[error("cannot read {}: {}", path.display(), plain::io(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}: {}", path.display(), plain::io(source))]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file exists but its content is not what the step expects.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What was expected, what was found, and where.
        reason: String,
    },
    /// A file that an earlier step writes is missing.
    #[error("{what} is missing: run `secondlook-train {command}` first")]
    Missing {
        /// The missing file or result.
        what: String,
        /// The command that makes it.
        command: String,
    },
    /// The options or the data do not allow the step.
    #[error("{0}")]
    Impossible(String),
    /// An image of the data set cannot be used.
    #[error("{}: {source}", path.display())]
    Image {
        /// The image.
        path: PathBuf,
        /// Why `imaging` refused it.
        source: imaging::ImageError,
    },
    /// ONNX Runtime cannot load or run a graph.
    #[error("{0}")]
    Runtime(String),
    /// The trained heads' samples are not distributions.
    #[error("the trained heads give invalid probabilities: {0}")]
    Samples(#[from] uncertainty::SamplesError),
    /// The held-out cells do not allow a figure to be computed.
    #[error("cannot evaluate the answers: {0}")]
    Evaluation(#[from] evaluation::EvaluationError),
    /// Thresholds cannot be tested on the calibration cells.
    #[error("cannot certify a policy: {0}")]
    Promise(#[from] uncertainty::risk_control::RiskError),
    /// The statistics of a layer cannot be modelled.
    #[error("cannot fit the out-of-distribution score: {0}")]
    Unlike(#[from] uncertainty::ood::OodError),
    /// The report cannot be written.
    #[error(transparent)]
    Report(#[from] evaluation::report::ReportError),
    /// ONNX Runtime's library is missing or cannot be loaded.
    #[error(transparent)]
    Library(#[from] engine::RuntimeError),
    /// The exported files are not a valid bundle.
    #[error(
        "the bundle in the folder of --out cannot be used: {0}; run `secondlook-train export` again"
    )]
    Bundle(#[from] bundle::BundleError),
}

impl TrainingError {
    /// For `map_err` on reading `path`.
    pub fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Read { path, source }
    }

    /// For `map_err` on writing `path`.
    pub fn write(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Write { path, source }
    }

    /// For `map_err` on the content of `path`. The error's text is shown to the user.
    pub fn malformed<E: std::fmt::Display>(path: impl Into<PathBuf>) -> impl FnOnce(E) -> Self {
        let path = path.into();
        move |reason| Self::Malformed {
            path,
            reason: reason.to_string(),
        }
    }
}

/// [`TrainingError::Impossible`] with a formatted text.
macro_rules! impossible {
    ($($words:tt)+) => {
        $crate::TrainingError::Impossible(format_args!($($words)+).to_string())
    };
}
pub(crate) use impossible;

/// Returns [`TrainingError::Impossible`] with a formatted text unless a condition holds.
macro_rules! ensure {
    ($holds:expr, $($words:tt)+) => {
        let holds: bool = $holds;
        if !holds {
            return Err($crate::error::impossible!($($words)+));
        }
    };
}
pub(crate) use ensure;
