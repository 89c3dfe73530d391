//! Errors of opening a bundle. Each message is one sentence that says what to do.

use std::path::PathBuf;

use crate::plain::io_error;

/// Why a model directory is not a bundle that can be served.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file cannot be read.
    #[error("{} cannot be read: {}", path.display(), io_error(source))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// `bundle.toml` is not TOML, lacks a key or has one that is unknown.
    #[error("{} is not a valid bundle manifest: {reason}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// Line, key and what is wrong, on one line.
        reason: String,
    },
    /// A value of the manifest is impossible.
    #[error("{}: `{key}` {problem}", path.display())]
    Value {
        /// The manifest.
        path: PathBuf,
        /// The key.
        key: String,
        /// The rest of the sentence: what was found, what was expected.
        problem: String,
    },
    /// A file's SHA-256 differs from the one in the manifest.
    #[error(
        "{}: expected the sha256 {expected} that bundle.toml names, found {found}: restore the file or export the bundle again",
        path.display()
    )]
    Digest {
        /// The file.
        path: PathBuf,
        /// SHA-256 of the file.
        found: String,
        /// SHA-256 in the manifest.
        expected: String,
    },
    /// A file is not an ONNX model that the runtime can read.
    #[error("{} is not a usable ONNX model: {reason}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The out-of-distribution model cannot be used.
    #[error("{} is not a usable out-of-distribution model: {reason}", path.display())]
    OutOfDistribution {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, on one line.
        reason: String,
    },
    /// The models directory holds no bundle.
    #[error("{} holds no bundle: put a directory with a bundle.toml there, or run `make model`", path.display())]
    None {
        /// The models directory.
        path: PathBuf,
    },
    /// Two bundles have the same name.
    #[error("two bundles have the name `{name}`: change `name` in the bundle.toml of one of them")]
    DuplicateName {
        /// The name.
        name: String,
    },
}
