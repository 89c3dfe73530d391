//! Where a cell's pixels come from: the whole field where there is one, so that a turned or shifted view shows what lies
//! beside the crop rather than a mirror image of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{CropRow, CropSettings, TrainingError, parallel, workspace::read_bytes};
use bundle::sha256_hex;
use imaging::{self, CellImage, Limits, Padding};

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

/// The cells of a table of crops, as places in their fields, or as pictures of their own where the data set has no
/// fields. Each image is read once and shared by its cells.
///
/// # Errors
/// An image that is missing or unreadable, or a crop that is not the one of the table.
pub fn sources(
    crops: &Path,
    cells: &[CropRow],
    settings: &CropSettings,
) -> Result<Vec<CellSource>, TrainingError> {
    let files: BTreeSet<(PathBuf, Option<&str>)> =
        cells.iter().map(|cell| file_of(crops, cell)).collect();
    let files: Vec<(PathBuf, Option<&str>)> = files.into_iter().collect();
    let images = parallel::map(parallel::available_threads(), &files, |(path, sha256)| {
        read_image(path, *sha256).map(Arc::new)
    })?;
    let images: BTreeMap<&Path, Arc<CellImage>> = files
        .iter()
        .map(|(path, _)| path.as_path())
        .zip(images)
        .collect();
    let source = |cell: &CropRow| {
        let (path, _) = file_of(crops, cell);
        let image = images.get(path.as_path()).map(Arc::clone);
        let missing = || TrainingError::Impossible(format!("cell {} has no image", cell.cell_id));
        Ok(place(image.ok_or_else(missing)?, cell, settings))
    };
    cells.iter().map(source).collect()
}

/// Where a cell's pixels are read: its field, or its crop, which has to be the one of the table.
fn file_of<'a>(crops: &Path, cell: &'a CropRow) -> (PathBuf, Option<&'a str>) {
    match cell.nucleus_x.and(cell.nucleus_y) {
        Some(_) => (cell.source.clone(), None),
        None => (crops.join(&cell.file), Some(&cell.sha256)),
    }
}

/// The crop that `imaging::crop_at_nucleus` cuts: pixel (edge / 2, edge / 2), rounded down, is the nucleus. Without a
/// nucleus the whole image is the crop.
fn place(image: Arc<CellImage>, cell: &CropRow, settings: &CropSettings) -> CellSource {
    let padding = settings.padding;
    let Some((x, y)) = cell.nucleus_x.zip(cell.nucleus_y) else {
        let extent = [image.width() as f32, image.height() as f32];
        return CellSource {
            image,
            centre: extent.map(|side| side / 2.0),
            extent,
            padding,
        };
    };
    let edge = settings.edge as f32;
    let to_centre = edge / 2.0 - (settings.edge / 2) as f32;
    CellSource {
        image,
        centre: [x as f32 + to_centre, y as f32 + to_centre],
        extent: [edge; 2],
        padding,
    }
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
