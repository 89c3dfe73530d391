//! Writes one tensor per cell with all its views.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use indicatif::ProgressBar;

use super::{
    tensors::{npy, safetensors},
    views::CellViews,
};
use crate::{
    CropRow, TrainingError,
    data::crop_table::decode_image,
    parallel,
    workspace::{read_bytes, write_bytes},
};
use imaging::InputTensor;

/// File format of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TensorFormat {
    /// NumPy's format
    Npy,
    /// Safetensors, with one tensor called `views`
    Safetensors,
}

/// A cell with missing views.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incomplete {
    /// The cell.
    pub cell_id: String,
    /// Number of views that exist.
    pub present: usize,
}

impl TensorFormat {
    fn extension(self) -> &'static str {
        match self {
            Self::Npy => "npy",
            Self::Safetensors => "safetensors",
        }
    }
}

/// Writes `[views, 3, size, size]`, f32 and normalised for the trunk, beside the folder of each
/// cell with all views. Returns the other cells.
///
/// # Errors
/// If the range is empty, a view is not a picture of the right size, or a file cannot be written.
pub fn join_views(
    views: &CellViews<'_>,
    format: TensorFormat,
    progress: &ProgressBar,
) -> Result<Vec<Incomplete>, TrainingError> {
    join_views_into(&views.workspace.augmented(), views, format, progress)
}

/// [`join_views`] with the tensors in another folder.
///
/// # Errors
/// As [`join_views`].
pub(crate) fn join_views_into(
    folder: &Path,
    views: &CellViews<'_>,
    format: TensorFormat,
    progress: &ProgressBar,
) -> Result<Vec<Incomplete>, TrainingError> {
    let cells = views.cells()?;
    progress.inc_length(cells.len() as u64);
    let joined = parallel::map(cells, |cell| {
        let present = views.present(cell).len();
        let incomplete = (present < views.count).then(|| Incomplete {
            cell_id: cell.cell_id.clone(),
            present,
        });
        if incomplete.is_none() {
            write_tensor(folder, views, cell, format)?;
        }
        progress.inc(1);
        Ok(incomplete)
    })?;
    Ok(joined.into_iter().flatten().collect())
}

fn write_tensor(
    folder: &Path,
    views: &CellViews<'_>,
    cell: &CropRow,
    format: TensorFormat,
) -> Result<(), TrainingError> {
    let size = views.input.size;
    let refused = |path: PathBuf| move |source| TrainingError::Image { path, source };
    let mut tensor =
        InputTensor::with_capacity(size, size, views.count).map_err(refused(views.folder(cell)))?;
    for view in 0..views.count {
        let path = views.file(cell, view);
        let bytes = read_bytes(&path)?;
        let image = decode_image(&path, &bytes)?;
        tensor
            .push(&image, &views.input.normalisation)
            .map_err(refused(path))?;
    }
    let edge = usize::try_from(size).unwrap_or(usize::MAX);
    let shape = [views.count, 3, edge, edge];
    let bytes = match format {
        TensorFormat::Npy => npy(&shape, tensor.as_slice()),
        TensorFormat::Safetensors => safetensors("views", &shape, tensor.as_slice()),
    };
    let name = format!("{}.{}", cell.cell_id, format.extension());
    write_bytes(&folder.join(name), &bytes)
}
