//! Where a cell's pixels come from: the whole field where there is one, so that a turned or shifted view shows what lies
//! beside the crop rather than a mirror image of it.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use crate::training::{
    CropRow, CropSettings, Dataset, TrainingError, parallel, workspace::read_bytes,
};
use crate::{
    bundle::sha256_hex,
    imaging::{self, CellImage, Limits, Padding},
};

/// A crop as a place in a picture.
#[derive(Clone, Debug)]
pub struct CellSource {
    /// The field, shared by its cells; or the crop itself.
    pub image: Arc<CellImage>,
    /// The crop's centre, (x, y) in pixels of the image; (0, 0) is the outer corner of its first pixel.
    pub centre: [f32; 2],
    /// Width and height of the crop in pixels of the image.
    pub extent: [f32; 2],
    /// What stands for pixels beyond the image.
    pub padding: Padding,
}

/// The cells of a table of crops, as places in their fields. Each field is read once and shared by its cells.
///
/// # Errors
/// A cell that the data set does not have, or a field that cannot be read.
pub fn field_sources(
    dataset: &Dataset,
    cells: &[CropRow],
    settings: &CropSettings,
) -> Result<Vec<CellSource>, TrainingError> {
    let files = field_files(dataset, cells)?;
    let mut names: Vec<&str> = files.clone();
    names.sort_unstable();
    names.dedup();
    let fields = parallel::map(parallel::available_threads(), &names, |name| {
        read_image(&dataset.field(name), None).map(Arc::new)
    })?;
    let fields: BTreeMap<&str, Arc<CellImage>> = names.into_iter().zip(fields).collect();
    let source = |(cell, file): (&CropRow, &str)| {
        let image = fields.get(file).ok_or_else(|| unknown(cell))?;
        Ok(in_field(Arc::clone(image), cell, settings))
    };
    cells.iter().zip(files).map(source).collect()
}

/// The cells of a table of crops, as pictures of their own: for sets that have no fields.
///
/// # Errors
/// A crop that is missing, unreadable or not the one of the table.
pub fn crop_sources(
    folder: &Path,
    cells: &[CropRow],
    padding: Padding,
) -> Result<Vec<CellSource>, TrainingError> {
    parallel::map(parallel::available_threads(), cells, |cell| {
        let image = read_image(&folder.join(&cell.file), Some(&cell.sha256))?;
        let extent = [image.width() as f32, image.height() as f32];
        Ok(CellSource {
            image: Arc::new(image),
            centre: extent.map(|side| side / 2.0),
            extent,
            padding,
        })
    })
}

/// The crop that `imaging::crop_at_nucleus` cuts: pixel (edge / 2, edge / 2), rounded down, is the nucleus.
fn in_field(image: Arc<CellImage>, cell: &CropRow, settings: &CropSettings) -> CellSource {
    let edge = settings.edge as f32;
    let to_centre = edge / 2.0 - (settings.edge / 2) as f32;
    CellSource {
        image,
        centre: [
            cell.nucleus_x as f32 + to_centre,
            cell.nucleus_y as f32 + to_centre,
        ],
        extent: [edge; 2],
        padding: settings.padding,
    }
}

/// The field of each cell, by file name.
fn field_files<'a>(dataset: &'a Dataset, cells: &[CropRow]) -> Result<Vec<&'a str>, TrainingError> {
    let records = dataset.cells.iter();
    let files: BTreeMap<&str, &str> = records
        .map(|record| (record.cell_id.as_str(), record.image_filename.as_str()))
        .collect();
    let file = |cell: &CropRow| {
        let file = files.get(cell.cell_id.as_str()).copied();
        file.ok_or_else(|| unknown(cell))
    };
    cells.iter().map(file).collect()
}

fn unknown(cell: &CropRow) -> TrainingError {
    TrainingError::Impossible(format!(
        "cell {} was cropped but is not in the data set: give the folder that `crop` was given",
        cell.cell_id
    ))
}

fn read_image(path: &Path, sha256: Option<&str>) -> Result<CellImage, TrainingError> {
    let bytes = read_bytes(path)?;
    if sha256.is_some_and(|expected| sha256_hex(&bytes) != expected) {
        return Err(TrainingError::malformed(path)(
            "it is not the crop of the table: run `crop` again",
        ));
    }
    imaging::decode(&bytes, &Limits::default()).map_err(|source| TrainingError::Image {
        path: path.to_owned(),
        source,
    })
}
