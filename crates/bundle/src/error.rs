//! What can be wrong with a bundle, each in one sentence that says what to do.

use std::path::PathBuf;

/// Why a model directory is not a bundle that can be served.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// `bundle.toml` is not TOML, lacks a key or has one that is unknown.
    #[error("{} is not a bundle manifest: {reason}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What the parser says, on one line.
        reason: String,
    },
    /// A value of the manifest is impossible.
    #[error("{}: `{key}` {problem}", path.display())]
    Value {
        /// The manifest.
        path: PathBuf,
        /// The key.
        key: String,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
    /// A file's bytes are not those that the manifest was written for.
    #[error("{} has sha256 {found}, but the manifest names {expected}: restore the file or export the bundle again", path.display())]
    Digest {
        /// The file.
        path: PathBuf,
        /// The digest of its bytes.
        found: String,
        /// The manifest's digest.
        expected: String,
    },
    /// A file is no ONNX model that the runtime would read.
    #[error("{} is not a usable ONNX model: {reason}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file is no model of what images of training look like.
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
    #[error("two bundles are called `{name}`: rename one of them")]
    DuplicateName {
        /// The name.
        name: String,
    },
}
