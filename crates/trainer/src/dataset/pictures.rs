//! Pictures without labels, such as everyday photographs: what a model must not pretend to know.

use std::path::{Path, PathBuf};

use super::{crop_table::CropRow, folders};
use crate::{TrainingError, workspace::read_bytes};
use bundle::sha256_hex;

/// The files of every picture in a folder, at any depth.
///
/// # Errors
/// A folder that cannot be read or has no pictures.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, TrainingError> {
    let paths = folders::images(folder)?;
    if paths.is_empty() {
        return Err(TrainingError::malformed(folder)("it holds no pictures"));
    }
    Ok(paths)
}

/// The same pictures, each as a crop without a label; its file is named relative to the folder.
///
/// # Errors
/// As [`files`], and a picture that cannot be read.
pub(crate) fn read(folder: &Path) -> Result<Vec<CropRow>, TrainingError> {
    let row = |path: &PathBuf| {
        let relative = path.strip_prefix(folder).unwrap_or(path);
        let name = folders::identifier(&relative.to_string_lossy());
        Ok(CropRow {
            cell_id: name.clone(),
            image_id: name,
            label: String::new(),
            file: relative.to_string_lossy().into_owned(),
            source: path.clone(),
            nucleus_x: None,
            nucleus_y: None,
            sha256: sha256_hex(&read_bytes(path)?),
        })
    };
    files(folder)?.iter().map(row).collect()
}
