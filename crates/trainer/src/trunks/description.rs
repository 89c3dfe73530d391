//! `trunk.toml`: what an imported trunk wants to see, and where it comes from.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    TrainingError,
    workspace::{read_bytes, write_bytes},
};
use imaging::Normalisation;

/// The file beside a trunk, named like it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrunkDescription {
    /// SHA-256 of the trunk's file.
    pub sha256: String,
    /// Name of the image input `[N, 3, size, size]`.
    pub input: String,
    /// Name of the output `[N, feature_count]`.
    pub features: String,
    /// D, the number of features.
    pub feature_count: usize,
    /// Edge of the images in pixels.
    pub size: u32,
    /// Licence of the weights, as whoever imported them said.
    pub licence: String,
    /// How bytes become the input's numbers.
    pub normalisation: Normalisation,
    /// The model that it was cut out of.
    pub source: TrunkSource,
}

/// The model that a trunk was cut out of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrunkSource {
    /// Its file name.
    pub file: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// The tensor that became the features.
    pub cut: String,
}

impl TrunkDescription {
    /// Where the description of a trunk lies.
    pub fn path_of(trunk: &Path) -> PathBuf {
        trunk.with_extension("toml")
    }

    /// Reads the description of a trunk, when there is one.
    ///
    /// # Errors
    /// [`TrainingError::Malformed`] for a file that is no description, or of another trunk than `sha256`.
    pub fn beside(trunk: &Path, sha256: &str) -> Result<Option<Self>, TrainingError> {
        let path = Self::path_of(trunk);
        if !path.is_file() {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&read_bytes(&path)?).into_owned();
        let description: Self = toml::from_str(&text).map_err(|error| {
            TrainingError::malformed(&path)(error.to_string().trim_end().replace('\n', " "))
        })?;
        description
            .check(sha256)
            .map_err(TrainingError::malformed(&path))?;
        Ok(Some(description))
    }

    fn check(&self, sha256: &str) -> Result<(), String> {
        if self.sha256 != sha256 {
            return Err("it describes another trunk: run `trunk import` again".to_owned());
        }
        if self.feature_count == 0 || self.size == 0 {
            return Err("feature_count and size must be positive".to_owned());
        }
        self.normalisation
            .check()
            .map_err(|error| error.to_string())
    }

    /// Writes the description of a trunk.
    pub fn write(&self, trunk: &Path) -> Result<(), TrainingError> {
        let path = Self::path_of(trunk);
        let text = toml::to_string(self).map_err(TrainingError::malformed(&path))?;
        write_bytes(&path, text.as_bytes())
    }
}
