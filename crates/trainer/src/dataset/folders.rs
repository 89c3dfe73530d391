//! A folder of cell images per class: Herlev's layout, and SIPaKMeD's with its `CROPPED` folders.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::cells::CellRecord;
use crate::TrainingError;

/// SIPaKMeD keeps the cells that it cut out of a picture `007.bmp` in `CROPPED/007_01.bmp`, `007_02.bmp`, …
const CROPPED: &str = "CROPPED";

/// File names that are taken for images.
const EXTENSIONS: [&str; 7] = ["jpg", "jpeg", "png", "tif", "tiff", "bmp", "webp"];

/// Reads every image in a folder of one folder per class; the folder's name is the label.
///
/// Where a class has a folder `CROPPED` (at any depth), only its images count, and what precedes the last `_` of a
/// name is the image that the cell was cut from. Otherwise each file is an image of its own.
///
/// # Errors
/// A folder that cannot be read, or a class without an image.
pub(super) fn read(folder: &Path) -> Result<Vec<CellRecord>, TrainingError> {
    let mut records = Vec::new();
    for class in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        let label = name_of(&class);
        let images = images(&class)?;
        if images.is_empty() {
            return Err(TrainingError::malformed(&class)("the class has no images"));
        }
        let cropped: Vec<PathBuf> = images
            .iter()
            .filter(|path| is_cropped(path))
            .cloned()
            .collect();
        let cells = if cropped.is_empty() { images } else { cropped };
        records.extend(cells.into_iter().map(|image| record(folder, &label, image)));
    }
    Ok(records)
}

fn record(folder: &Path, label: &str, image: PathBuf) -> CellRecord {
    let relative = image
        .strip_prefix(folder)
        .unwrap_or(&image)
        .to_string_lossy()
        .into_owned();
    let cell_id = identifier(&relative);
    let image_id = match cell_id.rsplit_once('_') {
        Some((picture, _)) if is_cropped(&image) => picture.to_owned(),
        _ => cell_id.clone(),
    };
    CellRecord {
        origin: relative,
        cell_id,
        image_id,
        image,
        label: label.to_owned(),
        nucleus: None,
    }
}

fn is_cropped(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == CROPPED)
}

/// Every image in a folder, at any depth, in the order of the names.
///
/// # Errors
/// A folder that cannot be read.
pub(super) fn images(folder: &Path) -> Result<Vec<PathBuf>, TrainingError> {
    let mut images = Vec::new();
    collect(folder, &mut images)?;
    Ok(images)
}

fn collect(folder: &Path, images: &mut Vec<PathBuf>) -> Result<(), TrainingError> {
    for path in entries(folder)? {
        if path.is_dir() {
            collect(&path, images)?;
        } else if is_image(&path) {
            images.push(path);
        }
    }
    Ok(())
}

fn is_image(path: &Path) -> bool {
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_lowercase());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}

/// What a folder holds, in the order of the names.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, TrainingError> {
    let listed = fs::read_dir(folder).map_err(TrainingError::read(folder))?;
    let paths: Result<Vec<PathBuf>, _> = listed
        .map(|entry| entry.map(|entry| entry.path()))
        .collect();
    let mut paths = paths.map_err(TrainingError::read(folder))?;
    paths.sort();
    Ok(paths)
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// A path without its extension, as a name that can stand in a file name itself.
pub(super) fn identifier(path: &str) -> String {
    let stem =
        path.rsplit_once('.').map_or(
            path,
            |(stem, extension)| {
                if extension.contains('/') { path } else { stem }
            },
        );
    let harmless = |letter: char| {
        if letter.is_ascii_alphanumeric() || letter == '-' {
            letter
        } else {
            '_'
        }
    };
    stem.chars().map(harmless).collect()
}
