//! Reading a data set in CRIC's layout: `classifications.csv` beside a folder `fields/` of images.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::training::{TrainingError, workspace::read_csv};

/// One row of `classifications.csv`: a nucleus and what experts called it.
#[derive(Clone, Debug, Deserialize)]
pub struct CellRecord {
    /// The image (field) that the cell lies in.
    pub image_id: String,
    /// File name of that image in `fields/`.
    pub image_filename: String,
    /// The cell's own identifier.
    pub cell_id: String,
    /// The label as the file spells it.
    pub bethesda_system: String,
    /// Nucleus in pixels from the left edge of the image.
    pub nucleus_x: i64,
    /// Nucleus in pixels from the top edge of the image.
    pub nucleus_y: i64,
}

/// A data set on disk.
#[derive(Clone, Debug)]
pub struct Dataset {
    folder: PathBuf,
    /// The rows of the CSV, in its order.
    pub cells: Vec<CellRecord>,
}

impl Dataset {
    /// Reads the table of a data set; the images are read later.
    ///
    /// # Errors
    /// A table that is missing, malformed (the error names the row) or empty.
    pub fn open(folder: &Path) -> Result<Self, TrainingError> {
        let table = folder.join("classifications.csv");
        let cells: Vec<CellRecord> = read_csv(&table)?;
        if cells.is_empty() {
            return Err(TrainingError::malformed(&table)("it holds no cells"));
        }
        Ok(Self {
            folder: folder.to_owned(),
            cells,
        })
    }

    /// Path of a field image.
    pub fn field(&self, image_filename: &str) -> PathBuf {
        self.folder.join("fields").join(image_filename)
    }
}
