//! What can go wrong while training, in one sentence each.

use std::{io, path::PathBuf};

/// A reason why a step of the trainer stopped.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is there, but is not what it should be.
    #[error("{} is not usable: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and in which row.
        reason: String,
    },
    /// A step needs what an earlier step writes.
    #[error("{what} is missing: run `secondlook-train {command}` first")]
    Missing {
        /// What was looked for.
        what: String,
        /// The command that makes it.
        command: String,
    },
    /// The options or the data make the step impossible.
    #[error("{0}")]
    Impossible(String),
    /// An image of the data set could not be used.
    #[error("{}: {source}", path.display())]
    Image {
        /// The image.
        path: PathBuf,
        /// What imaging said of it.
        source: imaging::ImageError,
    },
    /// ONNX Runtime refused something.
    #[error("onnx runtime: {0}")]
    Runtime(String),
    /// Samples of the trained heads are no distributions.
    #[error("the trained heads gave unusable probabilities: {0}")]
    Samples(#[from] uncertainty::SamplesError),
    /// The held-out cells do not allow a figure.
    #[error("the answers cannot be evaluated: {0}")]
    Evaluation(#[from] evaluation::EvaluationError),
    /// Thresholds cannot be tested on the calibration cells.
    #[error("no policy can be certified: {0}")]
    Promise(#[from] uncertainty::risk_control::RiskError),
    /// The statistics of a layer cannot be modelled.
    #[error("there can be no out-of-distribution score: {0}")]
    Unlike(#[from] uncertainty::ood::OodError),
    /// The report cannot be written.
    #[error(transparent)]
    Report(#[from] evaluation::report::ReportError),
    /// ONNX Runtime's library is missing or wrong.
    #[error(transparent)]
    Library(#[from] engine::RuntimeError),
    /// What was exported is not a bundle.
    #[error("the exported bundle is wrong: {0}")]
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

    /// For `map_err` on parsing `path`, with anything that explains itself.
    pub fn malformed<E: std::fmt::Display>(path: impl Into<PathBuf>) -> impl FnOnce(E) -> Self {
        let path = path.into();
        move |reason| Self::Malformed {
            path,
            reason: reason.to_string(),
        }
    }
}

/// [`TrainingError::Impossible`] in these words.
macro_rules! impossible {
    ($($words:tt)+) => {
        $crate::TrainingError::Impossible(format_args!($($words)+).to_string())
    };
}
pub(crate) use impossible;

/// Ends a function with [`TrainingError::Impossible`], in these words, where a condition does not hold.
macro_rules! ensure {
    ($holds:expr, $($words:tt)+) => {
        let holds: bool = $holds;
        if !holds {
            return Err($crate::error::impossible!($($words)+));
        }
    };
}
pub(crate) use ensure;
