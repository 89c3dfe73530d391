//! Why a bundle cannot be quantised.

use std::path::{Path, PathBuf};

use bundle::{BundleError, Method};
use engine::{EngineError, SessionError, StartError};
use imaging::ImageError;

/// One sentence that says what is wrong and what to do.
#[derive(Debug, thiserror::Error)]
pub enum QuantiseError {
    /// The bundle, or what was written of it, is none.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The engine does not start with it.
    #[error(transparent)]
    Start(#[from] StartError),
    /// ONNX Runtime refuses a graph.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// ONNX Runtime fails on a graph.
    #[error("onnx runtime: {0}")]
    Runtime(#[from] ort::Error),
    /// The bundle has one graph per method instead of a trunk.
    #[error("bundle `{0}` has no trunk: only trunks are quantised")]
    NoTrunk(String),
    /// The trunk's graph has something that is not known here.
    #[error("{} cannot be quantised: {reason}", file.display())]
    Graph {
        /// The trunk's file.
        file: PathBuf,
        /// What stands in the way.
        reason: String,
    },
    /// The bundle has no such method.
    #[error("bundle `{bundle}` has no method `{method}` to compare")]
    Method {
        /// The bundle's name.
        bundle: String,
        /// The method asked for.
        method: Method,
    },
    /// There is nothing to measure on.
    #[error("there is no image to measure on")]
    NoImages,
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is no image that is read here.
    #[error("{}: {source}", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ImageError,
    },
    /// The engine gives no answer for an image.
    #[error("{}: {source}", path.display())]
    Answer {
        /// The image's file.
        path: PathBuf,
        /// Why.
        source: EngineError,
    },
    /// A file that was to be read has not the form that it should have.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, on one line.
        reason: String,
    },
    /// The new bundle's directory holds something.
    #[error("{} is not empty: name a directory that does not exist yet", .0.display())]
    Occupied(PathBuf),
}

impl QuantiseError {
    /// For `map_err` on reading or writing `path`.
    pub(super) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    /// For `map_err` on parsing or writing the contents of `path`.
    pub(super) fn malformed<E: ToString>(path: &Path) -> impl FnOnce(E) -> Self {
        let path = path.to_owned();
        move |error| {
            let words = error.to_string();
            let reason = words.split_whitespace().collect::<Vec<_>>().join(" ");
            Self::Malformed { path, reason }
        }
    }
}
