//! The data set as a list of cells, whatever its layout on disk, with crops, labels, parts and
//! views.
//!
//! Input: the files of a data set. Output: the crops and their table, the part of each crop, and
//! its views. This module uses neither trunks nor heads.

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

/// One cell and its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellRecord {
    /// Where the data set lists the cell: a table and its line, or a file.
    pub origin: String,
    /// The cell's own identifier.
    pub cell_id: String,
    /// The image that it belongs to. Cells of one image share stain, focus and neighbours.
    pub image_id: String,
    /// The image file.
    pub image: PathBuf,
    /// The label as the data set spells it.
    pub label: String,
    /// Nucleus in pixels from the left and the top edge; `None` if the image is the cell's crop.
    pub nucleus: Option<(i64, i64)>,
}

/// The layout of a data set on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DataLayout {
    /// `classifications.csv` with CRIC's columns beside a folder `fields/`, or another CSV with
    /// these columns
    Cric,
    /// A folder of cell images per class, as in Herlev and SIPaKMeD
    Folders,
    /// A CSV with the columns `path` and `label`, and optionally `image_id`, `cell_id`,
    /// `nucleus_x`, `nucleus_y`
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
    /// Reads the list of cells; the images are read later. Detects layout and labels if they are
    /// not given.
    ///
    /// # Errors
    /// If the data set is missing, malformed (the error names file and line) or empty, or its
    /// labels are in no known set.
    pub fn open(
        path: &Path,
        layout: Option<DataLayout>,
        labels: Option<&str>,
    ) -> Result<Self, TrainingError> {
        Self::open_with_images(path, None, layout, labels)
    }

    /// [`Self::open`] for a table whose images are in another folder.
    ///
    /// # Errors
    /// As [`Self::open`], and if a folder per class is given together with a folder of images.
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
                    "--img-dir is for tables only: a data set of one folder per class contains its \
                     images; leave --img-dir out".to_owned(),
                ));
            }
        };
        if cells.is_empty() {
            return Err(TrainingError::malformed(path)(
                "no cells in this data set: expected a table with at least one row, or one folder \
                 of images per class",
            ));
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
        "no data set at {}: name a folder with classifications.csv, a folder with one folder per \
         class, or a CSV",
        path.display()
    )))
}
