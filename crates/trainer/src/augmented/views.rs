//! Writes one PNG per view, in a folder per cell.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};

use crate::{
    CropRow, CropTable, TrainingError, Workspace,
    cache_key::KeptStep,
    data::crop_table::{load_crop, names_a_file},
    error::{ensure, impossible},
    parallel,
    workspace::{read_json, write_bytes, write_json},
};
use bundle::Input;
use imaging::{
    ResizeFilter,
    augment::{self, AugmentPolicy},
};

/// The views of some cells.
#[derive(Clone, Copy, Debug)]
pub struct CellViews<'a> {
    /// The work folder.
    pub workspace: &'a Workspace,
    /// The crops.
    pub table: &'a CropTable,
    /// Rows of the table; rows beyond its end are ignored.
    pub rows: &'a Range<usize>,
    /// The trunk's input.
    pub input: &'a Input,
    /// How a view is made.
    pub policy: &'a AugmentPolicy,
    /// How many views of each cell.
    pub count: usize,
}

/// The result of [`write_views`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Views that were made.
    pub made: usize,
    /// Views that existed already.
    pub kept: usize,
}

/// What the views of a cell were made from. Kept beside them, so that views of other settings are
/// not used.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct MadeOf {
    schema: u32,
    crop: String,
    size: u32,
    resize: ResizeFilter,
    policy: AugmentPolicy,
}

/// Name of the file with [`MadeOf`].
const MADE_OF: &str = "made_of.json";

impl CellViews<'_> {
    /// The cells of the range.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] if there are none, or an identifier cannot name a folder.
    pub fn cells(&self) -> Result<&[CropRow], TrainingError> {
        let end = self.rows.end.min(self.table.rows.len());
        let cells = self.table.rows.get(self.rows.start..end);
        let Some(cells) = cells.filter(|cells| !cells.is_empty()) else {
            let until = match self.rows.end {
                usize::MAX => "the end".to_owned(),
                end => end.to_string(),
            };
            return Err(impossible!(
                "no cells from {} to {until}: the table has {}, counted from 0",
                self.rows.start,
                self.table.rows.len()
            ));
        };
        for CropRow { cell_id, .. } in cells {
            ensure!(
                names_a_file(cell_id),
                "the cell_id `{cell_id}` cannot name a folder: run `crop` again"
            );
        }
        Ok(cells)
    }

    /// The folder of a cell's views.
    pub fn folder(&self, cell: &CropRow) -> PathBuf {
        self.workspace.augmented().join(&cell.cell_id)
    }

    /// The file of a cell's view.
    pub fn file(&self, cell: &CropRow, view: usize) -> PathBuf {
        self.folder(cell).join(format!("view_{view:02}.png"))
    }

    /// The views of a cell that exist for this crop, size and policy.
    pub fn present(&self, cell: &CropRow) -> Vec<usize> {
        if !self.are_current(cell) {
            return Vec::new();
        }
        let is_there = |view: &usize| self.file(cell, *view).is_file();
        (0..self.count).filter(is_there).collect()
    }

    /// Whether the folder of a cell has views of this crop, size and policy.
    fn are_current(&self, cell: &CropRow) -> bool {
        let made_of = read_json::<MadeOf>(&self.folder(cell).join(MADE_OF));
        made_of.ok() == Some(self.made_of(cell))
    }

    fn made_of(&self, cell: &CropRow) -> MadeOf {
        MadeOf {
            schema: KeptStep::Views.schema(),
            crop: cell.sha256.clone(),
            size: self.input.size,
            resize: self.input.resize,
            policy: self.policy.clone(),
        }
    }

    /// Makes the missing views of one cell, from `first` on.
    fn write_cell(&self, cell: &CropRow, first: usize) -> Result<Written, TrainingError> {
        let present = self.present(cell);
        let missing: Vec<usize> = (first..self.count)
            .filter(|view| !present.contains(view))
            .collect();
        let kept = present.iter().filter(|view| **view >= first).count();
        let written = Written {
            made: missing.len(),
            kept,
        };
        if missing.is_empty() {
            return Ok(written);
        }
        let folder = self.folder(cell);
        if !self.are_current(cell) {
            remove(&folder)?;
            write_json(&folder.join(MADE_OF), &self.made_of(cell))?;
        }
        let (crop, seed) = load_crop(&self.workspace.crops(), cell)?;
        for view in missing {
            let path = self.file(cell, view);
            let Input { size, resize, .. } = *self.input;
            let image = augment::view(&crop, self.policy, seed, view as u64, size, resize);
            let image = image.map_err(|source| TrainingError::Image {
                path: path.clone(),
                source,
            })?;
            let bytes = image.to_png().map_err(TrainingError::malformed(&path))?;
            write_bytes(&path, &bytes)?;
        }
        Ok(written)
    }
}

/// Writes the missing views. After an interruption, run it again to continue.
///
/// # Errors
/// If the range is empty, a crop is not the one of the table, or a file cannot be written.
pub fn write_views(
    views: &CellViews<'_>,
    progress: &ProgressBar,
) -> Result<Written, TrainingError> {
    write_views_from(views, 0, progress)
}

/// [`write_views`] without the views before number `first`, counted from 0.
///
/// # Errors
/// As [`write_views`].
pub(crate) fn write_views_from(
    views: &CellViews<'_>,
    first: usize,
    progress: &ProgressBar,
) -> Result<Written, TrainingError> {
    let cells = views.cells()?;
    progress.inc_length(cells.len() as u64);
    let written = parallel::map(cells, |cell| {
        let written = views.write_cell(cell, first);
        progress.inc(1);
        written
    })?;
    let add = |sum: Written, cell: &Written| Written {
        made: sum.made + cell.made,
        kept: sum.kept + cell.kept,
    };
    Ok(written.iter().fold(Written::default(), add))
}

/// Removes views of another crop, size or policy.
fn remove(folder: &Path) -> Result<(), TrainingError> {
    if folder.is_dir() {
        fs::remove_dir_all(folder).map_err(TrainingError::write(folder))?;
    }
    Ok(())
}
