//! Errors of quantisation.

use std::path::{Path, PathBuf};

use bundle::{
    BundleError, Method,
    plain::{io_error, one_line},
};
use engine::{EngineError, SessionError, StartError};
use imaging::ImageError;

/// Why a bundle cannot be quantised: one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum QuantiseError {
    /// The bundle, or its new copy, is not valid.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The engine does not start with the bundle.
    #[error(transparent)]
    Start(#[from] StartError),
    /// ONNX Runtime cannot open a graph.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// ONNX Runtime fails to run a graph. Its message is in `source()`.
    #[error(
        "ONNX Runtime failed to run the trunk: check the bundle with `secondlook bundles check`"
    )]
    Runtime(#[from] ort::Error),
    /// The bundle has no trunk, but one graph per method.
    #[error(
        "bundle `{0}` has no trunk, and only trunks can be quantised: use a bundle with [trunk]"
    )]
    NoTrunk(String),
    /// The trunk's graph is not supported.
    #[error("{} cannot be quantised: {reason}", file.display())]
    Graph {
        /// The trunk's file.
        file: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The bundle does not offer the method.
    #[error(
        "bundle `{bundle}` does not offer the method `{method}`: choose another one, or omit --method to compare all"
    )]
    Method {
        /// The bundle's name.
        bundle: String,
        /// The requested method.
        method: Method,
    },
    /// No image was given.
    #[error("no image was given: name image files or directories with images")]
    NoImages,
    /// A file cannot be read or written.
    #[error("{}: {}", path.display(), io_error(source))]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// An image cannot be decoded.
    #[error("{}: {source}", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ImageError,
    },
    /// The engine cannot answer for an image.
    #[error("{}: {source}", path.display())]
    Answer {
        /// The image's file.
        path: PathBuf,
        /// Why.
        source: EngineError,
    },
    /// A file does not have the expected contents.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, on one line.
        reason: String,
    },
    /// The new bundle's directory is not empty.
    #[error("{} is not empty: name a directory that does not exist yet", .0.display())]
    Occupied(PathBuf),
}

impl QuantiseError {
    /// For `map_err` after reading or writing `path`.
    pub(super) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    /// An error about the contents of `path`.
    pub(super) fn malformed<E: ToString>(path: &Path) -> impl FnOnce(E) -> Self {
        let path = path.to_owned();
        move |reason| Self::Malformed {
            path,
            reason: one_line(&reason.to_string()),
        }
    }
}
