//! The trunk: the part of the model that is not trained here.

use std::path::{Path, PathBuf};

use crate::bundle::sha256_hex;
use crate::training::{TrainingError, workspace::read_bytes};

/// The trunk as a file with the names of its tensors.
#[derive(Clone, Debug)]
pub struct TrunkFile {
    /// The ONNX file.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Name of the image input.
    pub input: String,
    /// Name of the feature output.
    pub features: String,
    /// D, the number of features.
    pub dimension: usize,
}

impl TrunkFile {
    /// The pretrained EfficientNet-Lite0 without its classifier.
    ///
    /// # Errors
    /// [`TrainingError::Read`] when there is no such file.
    pub fn efficientnet_lite0(path: &Path) -> Result<Self, TrainingError> {
        Ok(Self {
            path: path.to_owned(),
            sha256: sha256_hex(&read_bytes(path)?),
            input: "image".to_owned(),
            features: "features".to_owned(),
            dimension: 1280,
        })
    }
}
