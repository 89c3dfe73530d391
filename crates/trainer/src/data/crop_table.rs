//! The table of the crops: what `crop` writes and every later step starts from.

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
    /// Nucleus in pixels from the left edge of the image; none when the image is the crop.
    pub nucleus_x: Option<i64>,
    /// Nucleus in pixels from the top edge of the image.
    pub nucleus_y: Option<i64>,
    /// SHA-256 of the crop's file.
    pub sha256: String,
}

/// A cell that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Where the data set names it: a table and its line, or a file.
    pub origin: String,
    /// The cell.
    pub cell_id: String,
    /// The image that it should lie in.
    pub image_id: String,
    /// Why.
    pub reason: String,
}

/// How the crops were cut; goes into the bundle's manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CropSettings {
    /// Edge of the square crops in pixels of the fields; the median longer side of crops that came as they are.
    pub edge: u32,
    /// What stands for pixels outside the field.
    pub padding: Padding,
    /// Width of the fields in pixels, when all have the same.
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
    /// Reads what `crop` wrote.
    ///
    /// # Errors
    /// [`TrainingError::Missing`] before `crop` was run; [`TrainingError::Malformed`] for a table without rows.
    pub fn read(workspace: &Workspace) -> Result<Self, TrainingError> {
        let path = workspace.crop_table();
        require(&path, "crop")?;
        let rows: Vec<CropRow> = read_csv(&path)?;
        if rows.is_empty() {
            return Err(TrainingError::malformed(&path)("it holds no crops"));
        }
        let settings = read_json(&workspace.crop_settings())?;
        let labels: LabelSet = read_json(&workspace.labels())?;
        for CropRow { cell_id, label, .. } in &rows {
            if labels.index_of(label).is_none() {
                let reason = format!("cell {cell_id}: `{label}` is no label: run `crop` again");
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

/// Refuses with the command that makes a file, when the file is missing.
pub(crate) fn require(path: &Path, command: &str) -> Result<(), TrainingError> {
    if path.is_file() {
        return Ok(());
    }
    Err(TrainingError::Missing {
        what: path.display().to_string(),
        command: command.to_owned(),
    })
}

/// Whether a cell's identifier can name a file; identifiers come from outside.
pub(crate) fn names_a_file(cell_id: &str) -> bool {
    let harmless = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    !cell_id.is_empty() && cell_id.len() <= 100 && cell_id.chars().all(harmless)
}

/// A crop with the seed that the server would derive from its file.
///
/// # Errors
/// When the file is missing, or not the crop of the table.
pub(crate) fn load_crop(folder: &Path, row: &CropRow) -> Result<(CellImage, u64), TrainingError> {
    let path = folder.join(&row.file);
    let bytes = read_bytes(&path)?;
    if sha256_hex(&bytes) != row.sha256 {
        return Err(TrainingError::malformed(&path)(
            "it is not the crop of the table: run `crop` again",
        ));
    }
    Ok((decode_image(&path, &bytes)?, seed_of(&bytes)))
}

/// The picture that a file holds.
///
/// # Errors
/// [`TrainingError::Image`].
pub(crate) fn decode_image(path: &Path, bytes: &[u8]) -> Result<CellImage, TrainingError> {
    imaging::decode(bytes, &Limits::default()).map_err(|source| TrainingError::Image {
        path: path.to_owned(),
        source,
    })
}
