//! The data: a data set as a list of cells, whatever its layout on disk, its crops, labels and parts, and the views of a
//! crop.
//!
//! Enters: files of a data set. Leaves: crops and their table, the part of each, and what is shown of a crop. Knows neither
//! trunks nor heads.

pub(crate) mod crop_table;
pub(crate) mod crops;
pub(crate) mod labels;
pub(crate) mod layouts;
pub(crate) mod part;
pub(crate) mod split;
pub(crate) mod views;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use clap::ValueEnum;

use self::{
    labels::LabelSet,
    layouts::{CRICS_TABLE, has_crics_columns, read_cric, read_folders, read_table},
};
use crate::TrainingError;

/// One cell and what experts called it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellRecord {
    /// Where the data set names the cell: a table and its line, or a file.
    pub origin: String,
    /// The cell's own identifier.
    pub cell_id: String,
    /// The image that it lies in. Cells of one image share stain, focus and neighbours.
    pub image_id: String,
    /// The image file.
    pub image: PathBuf,
    /// The label as the data set spells it.
    pub label: String,
    /// Nucleus in pixels from the left and the top edge; none when the image is the cell's crop already.
    pub nucleus: Option<(i64, i64)>,
}

/// How a data set lies on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DataLayout {
    /// `classifications.csv` with CRIC's columns beside a folder `fields/`, or a CSV of another name with these columns
    Cric,
    /// A folder of cell images per class, as Herlev and SIPaKMeD have them
    Folders,
    /// A CSV with the columns `path` and `label`, and optionally `image_id`, `cell_id`, `nucleus_x`, `nucleus_y`
    Table,
}

/// A data set on disk.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The cells, in the order of the table or of the file names.
    pub cells: Vec<CellRecord>,
    /// The labels that they may have.
    pub labels: LabelSet,
}

impl Dataset {
    /// Reads the list of cells; the images are read later. Layout and labels are recognised when they are not given.
    ///
    /// # Errors
    /// A data set that is missing, malformed (the error names file and line) or empty, or labels of no known set.
    pub fn open(
        path: &Path,
        layout: Option<DataLayout>,
        labels: Option<&str>,
    ) -> Result<Self, TrainingError> {
        Self::open_with_images(path, None, layout, labels)
    }

    /// [`Self::open`] for a table whose images lie in a folder of their own.
    ///
    /// # Errors
    /// As [`Self::open`]; and for a folder per class, which is not told its images.
    pub fn open_with_images(
        path: &Path,
        images: Option<&Path>,
        layout: Option<DataLayout>,
        labels: Option<&str>,
    ) -> Result<Self, TrainingError> {
        let cells = match (layout.map_or_else(|| recognise(path), Ok)?, images) {
            (DataLayout::Cric, _) => read_cric(path, images)?,
            (DataLayout::Table, _) => read_table(path, images)?,
            (DataLayout::Folders, None) => read_folders(path)?,
            (DataLayout::Folders, Some(_)) => {
                return Err(TrainingError::Impossible(
                    "a folder per class holds its images: leave --img-dir out".to_owned(),
                ));
            }
        };
        if cells.is_empty() {
            return Err(TrainingError::malformed(path)("it holds no cells"));
        }
        let found: BTreeSet<&str> = cells.iter().map(|cell| cell.label.as_str()).collect();
        let labels = match labels {
            Some(name) => LabelSet::named(name)?,
            None => LabelSet::guess(&found)?,
        };
        Ok(Self { cells, labels })
    }
}

fn recognise(path: &Path) -> Result<DataLayout, TrainingError> {
    if path.is_file() {
        return Ok(match has_crics_columns(path)? {
            true => DataLayout::Cric,
            false => DataLayout::Table,
        });
    }
    if path.join(CRICS_TABLE).is_file() {
        return Ok(DataLayout::Cric);
    }
    if path.is_dir() {
        return Ok(DataLayout::Folders);
    }
    Err(TrainingError::Impossible(format!(
        "there is no data set at {}: name a folder with classifications.csv, a folder of one folder per class, or a CSV",
        path.display()
    )))
}
