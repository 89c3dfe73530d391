//! The layouts of data sets on disk, and folders of pictures without labels.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{CellRecord, crop_table::CropRow};
use crate::{
    TrainingError,
    workspace::{read_bytes, read_csv},
};
use bundle::sha256_hex;

/// Name of the table in CRIC's layout, beside a folder `fields/` of images.
pub(super) const CRICS_TABLE: &str = "classifications.csv";

/// One row of CRIC's table: a nucleus and the experts' label.
#[derive(Deserialize)]
struct CricRow {
    image_id: String,
    image_filename: String,
    cell_id: String,
    bethesda_system: String,
    nucleus_x: i64,
    nucleus_y: i64,
}

/// Whether a CSV has the columns of CRIC's table.
///
/// # Errors
/// If the header cannot be read.
pub(super) fn has_crics_columns(table: &Path) -> Result<bool, TrainingError> {
    let bytes = read_bytes(table)?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let header = reader.headers().map_err(TrainingError::malformed(table))?;
    Ok(header.iter().any(|column| column == "bethesda_system"))
}

/// Reads the table of a folder in CRIC's layout, or such a table by its path. The images are in
/// `images`, or in `fields/` beside the table.
///
/// # Errors
/// If the table is missing or a row is malformed; the error names the line.
pub(super) fn read_cric(
    path: &Path,
    images: Option<&Path>,
) -> Result<Vec<CellRecord>, TrainingError> {
    let table = match path.is_dir() {
        true => path.join(CRICS_TABLE),
        false => path.to_owned(),
    };
    let rows: Vec<CricRow> = read_csv(&table)?;
    let beside = table.with_file_name("fields");
    let fields = images.unwrap_or(&beside);
    let name = name_of(&table);
    let record = |(index, row): (usize, CricRow)| CellRecord {
        origin: line_of(&name, index),
        cell_id: row.cell_id,
        image_id: row.image_id,
        image: fields.join(row.image_filename),
        label: row.bethesda_system,
        nucleus: Some((row.nucleus_x, row.nucleus_y)),
    };
    Ok(rows.into_iter().enumerate().map(record).collect())
}

/// One row of a table with a path and a label per cell, the easiest layout for your own data.
#[derive(Deserialize)]
struct TableRow {
    path: String,
    label: String,
    #[serde(default)]
    image_id: Option<String>,
    #[serde(default)]
    cell_id: Option<String>,
    #[serde(default)]
    nucleus_x: Option<i64>,
    #[serde(default)]
    nucleus_y: Option<i64>,
}

/// How an error names a row; the header is line 1.
fn line_of(table: &str, index: usize) -> String {
    format!("{table}, line {}", index + 2)
}

/// Reads such a table. Paths are relative to `images`, or to the table's folder. Without `image_id`
/// each file is its own image.
///
/// # Errors
/// If the table is missing, a row is malformed (the error names the line), or only some rows have a
/// nucleus.
pub(super) fn read_table(
    table: &Path,
    images: Option<&Path>,
) -> Result<Vec<CellRecord>, TrainingError> {
    let rows: Vec<TableRow> = read_csv(table)?;
    let name = name_of(table);
    let folder = images.or(table.parent()).unwrap_or(Path::new("."));
    let with_nucleus = rows.first().is_some_and(|row| row.nucleus_x.is_some());
    let mut records = Vec::with_capacity(rows.len());
    for (index, row) in rows.into_iter().enumerate() {
        let origin = line_of(&name, index);
        let nucleus = row.nucleus_x.zip(row.nucleus_y);
        if nucleus.is_some() != with_nucleus {
            let reason = format!("{origin}: give nucleus_x and nucleus_y in every row or in none");
            return Err(TrainingError::malformed(table)(reason));
        }
        let own_name = identifier(&row.path);
        let of_nucleus = nucleus.map(|(x, y)| format!("{own_name}_{x}_{y}"));
        records.push(CellRecord {
            origin,
            cell_id: row
                .cell_id
                .or(of_nucleus)
                .unwrap_or_else(|| own_name.clone()),
            image_id: row.image_id.unwrap_or(own_name),
            image: folder.join(row.path),
            label: row.label,
            nucleus,
        });
    }
    Ok(records)
}

/// SIPaKMeD stores the cells cut out of a picture `007.bmp` as `CROPPED/007_01.bmp`, `007_02.bmp`,
/// …
const CROPPED: &str = "CROPPED";

/// Extensions of image files.
const EXTENSIONS: [&str; 7] = ["jpg", "jpeg", "png", "tif", "tiff", "bmp", "webp"];

/// Reads every image in a folder with one folder per class. The folder's name is the label.
///
/// If a class has a folder `CROPPED` (at any depth), only the images in it count, and the part of a
/// name before the last `_` is the image that the cell was cut from. Otherwise each file is its own
/// image.
///
/// # Errors
/// If a folder cannot be read, or a class has no image.
pub(super) fn read_folders(folder: &Path) -> Result<Vec<CellRecord>, TrainingError> {
    let mut records = Vec::new();
    for class in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        let label = name_of(&class);
        let images = images(&class)?;
        if images.is_empty() {
            return Err(TrainingError::malformed(&class)(
                "no images in this class's folder: add \
                images (jpg, png, tif, bmp, webp) or remove the folder",
            ));
        }
        let has_cropped = images.iter().any(|path| is_cropped(path));
        let cells = images.into_iter();
        let cells = cells.filter(|path| !has_cropped || is_cropped(path));
        records.extend(cells.map(|image| record(folder, &label, image)));
    }
    Ok(records)
}

fn record(folder: &Path, label: &str, image: PathBuf) -> CellRecord {
    let relative = image.strip_prefix(folder).unwrap_or(&image);
    let relative = relative.to_string_lossy().into_owned();
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
/// If a folder cannot be read.
fn images(folder: &Path) -> Result<Vec<PathBuf>, TrainingError> {
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
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    EXTENSIONS.contains(&extension.to_lowercase().as_str())
}

/// The content of a folder, in the order of the names.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, TrainingError> {
    let listed = fs::read_dir(folder).map_err(TrainingError::read(folder))?;
    let paths = listed.map(|entry| Ok(entry?.path()));
    let paths: io::Result<Vec<PathBuf>> = paths.collect();
    let mut paths = paths.map_err(TrainingError::read(folder))?;
    paths.sort();
    Ok(paths)
}

/// The last part of a path.
pub(crate) fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// A path without its extension, in a form that can be part of a file name.
pub(crate) fn identifier(path: &str) -> String {
    let stem = match path.rsplit_once('.') {
        Some((stem, extension)) if !extension.contains('/') => stem,
        _ => path,
    };
    let harmless = |letter: char| match letter {
        '-' => letter,
        _ if letter.is_ascii_alphanumeric() => letter,
        _ => '_',
    };
    stem.chars().map(harmless).collect()
}

/// The files of all pictures in a folder, at any depth. They have no labels; everyday photographs
/// are an example.
///
/// # Errors
/// If a folder cannot be read or has no pictures.
pub(crate) fn picture_files(folder: &Path) -> Result<Vec<PathBuf>, TrainingError> {
    let paths = images(folder)?;
    if paths.is_empty() {
        return Err(TrainingError::malformed(folder)(
            "no pictures in this folder",
        ));
    }
    Ok(paths)
}

/// The same pictures as crops without a label. Their files are named relative to the folder.
///
/// # Errors
/// As [`picture_files`], or if a picture cannot be read.
pub(crate) fn read_pictures(folder: &Path) -> Result<Vec<CropRow>, TrainingError> {
    let row = |path: &PathBuf| {
        let relative = path.strip_prefix(folder).unwrap_or(path);
        let name = identifier(&relative.to_string_lossy());
        Ok(CropRow {
            cell_id: name.clone(),
            image_id: name,
            label: String::new(),
            file: relative.to_string_lossy().into_owned(),
            source: path.clone(),
            nucleus_x: None,
            nucleus_y: None,
            sha256: sha256_hex(&read_bytes(path)?),
        })
    };
    picture_files(folder)?.iter().map(row).collect()
}
