//! The table of crops, which `crop` writes and every later step reads.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::labels::LabelSet;
use crate::{
    TrainingError,
    workspace::{Workspace, read_bytes, read_csv, read_json},
};
use bundle::sha256_hex;
use engine::seed_of;
use imaging::{CellImage, Limits, Padding};

/// One crop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CropRow {
    /// The cell.
    pub cell_id: String,
    /// The image that it was cut from. Cells of one image share stain, focus and neighbours.
    pub image_id: String,
    /// The name of its label.
    pub label: String,
    /// File name of the crop in the folder of crops.
    pub file: String,
    /// The image file that it was cut from.
    pub source: PathBuf,
    /// Nucleus in pixels from the left edge of the image; `None` if the image is the crop.
    pub nucleus_x: Option<i64>,
    /// Nucleus in pixels from the top edge of the image.
    pub nucleus_y: Option<i64>,
    /// SHA-256 of the crop's file.
    pub sha256: String,
}

/// A cell that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Where the data set lists it: a table and its line, or a file.
    pub origin: String,
    /// The cell.
    pub cell_id: String,
    /// The image that it belongs to.
    pub image_id: String,
    /// Why it was left out.
    pub reason: String,
}

/// How the crops were cut. Goes into the bundle's manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CropSettings {
    /// Edge of the square crops in pixels of the fields; for ready-made crops, the median of their
    /// longer sides.
    pub edge: u32,
    /// What fills pixels outside the field.
    pub padding: Padding,
    /// Width of the fields in pixels, if all have the same.
    pub source_width_px: Option<u32>,
}

/// The crops of a work folder.
#[derive(Clone, Debug)]
pub struct CropTable {
    /// One row per crop.
    pub rows: Vec<CropRow>,
    /// How they were cut.
    pub settings: CropSettings,
    /// The labels of the data set.
    pub labels: LabelSet,
}

impl CropTable {
    /// Reads the result of `crop`.
    ///
    /// # Errors
    /// [`TrainingError::Missing`] if `crop` was not run; [`TrainingError::Malformed`] for a table
    /// without rows.
    pub fn read(workspace: &Workspace) -> Result<Self, TrainingError> {
        let path = workspace.crop_table();
        require(&path, "crop")?;
        let rows: Vec<CropRow> = read_csv(&path)?;
        if rows.is_empty() {
            return Err(TrainingError::malformed(&path)(
                "the table has no rows: run `crop` again",
            ));
        }
        let settings = read_json(&workspace.crop_settings())?;
        let labels: LabelSet = read_json(&workspace.labels())?;
        for CropRow { cell_id, label, .. } in &rows {
            if labels.index_of(label).is_none() {
                let reason = format!(
                    "cell {cell_id}: the label `{label}` is not in labels.json: \
                    run `crop` again"
                );
                return Err(TrainingError::malformed(&path)(reason));
            }
        }
        Ok(Self {
            rows,
            settings,
            labels,
        })
    }
}

/// Checks that a file exists; otherwise the error names the command that makes it.
pub(crate) fn require(path: &Path, command: &str) -> Result<(), TrainingError> {
    if path.is_file() {
        return Ok(());
    }
    Err(TrainingError::Missing {
        what: path.display().to_string(),
        command: command.to_owned(),
    })
}

/// Whether a cell's identifier, which comes from the user's data, is safe as a file name.
pub(crate) fn names_a_file(cell_id: &str) -> bool {
    let harmless = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    !cell_id.is_empty() && cell_id.len() <= 100 && cell_id.chars().all(harmless)
}

/// A crop and the seed that the server would derive from its file.
///
/// # Errors
/// If the file is missing or is not the crop of the table.
pub(crate) fn load_crop(folder: &Path, row: &CropRow) -> Result<(CellImage, u64), TrainingError> {
    let path = folder.join(&row.file);
    let bytes = read_bytes(&path)?;
    if sha256_hex(&bytes) != row.sha256 {
        return Err(TrainingError::malformed(&path)(
            "the file differs from its SHA-256 in crops.csv: run `crop` again",
        ));
    }
    Ok((decode_image(&path, &bytes)?, seed_of(&bytes)))
}

/// Decodes an image file.
///
/// # Errors
/// [`TrainingError::Image`].
pub(crate) fn decode_image(path: &Path, bytes: &[u8]) -> Result<CellImage, TrainingError> {
    imaging::decode(bytes, &Limits::default()).map_err(|source| TrainingError::Image {
        path: path.to_owned(),
        source,
    })
}
