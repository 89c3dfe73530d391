//! The images for comparing trunks, and their labels.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::QuantiseError;
use bundle::{Input, Manifest};
use imaging::{self, ImageError, InputTensor, Limits};

/// An image file and its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledImage {
    /// The file.
    pub path: PathBuf,
    /// Index of its label in the bundle; `None` if unknown.
    pub label: Option<usize>,
}

/// A row of a table of labels. Other columns are ignored.
#[derive(Deserialize)]
struct LabelRow {
    file: String,
    label: String,
}

/// Labels each image by the name of its folder, if the bundle has a label of that name.
pub fn with_folder_labels(paths: &[PathBuf], manifest: &Manifest) -> Vec<LabelledImage> {
    labelled(paths, |path| {
        index_of(manifest, path.parent()?.file_name()?.to_str()?)
    })
}

/// Labels images from a CSV table with the columns `file` (a name without its folder) and `label`,
/// such as the trainer's `crops.csv`. Images that are not in the table have no label.
///
/// # Errors
/// [`QuantiseError`] `File` or `Malformed` if the table cannot be read or has a label that the
/// bundle does not have.
pub fn with_table_labels(
    paths: &[PathBuf],
    manifest: &Manifest,
    table: &Path,
) -> Result<Vec<LabelledImage>, QuantiseError> {
    let bytes = fs::read(table).map_err(QuantiseError::file(table))?;
    let mut labels = BTreeMap::new();
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    for (row, line) in reader.deserialize().zip(2..) {
        let row = row.map_err(|error| csv_error(&error));
        let LabelRow { file, label } = row.map_err(QuantiseError::malformed(table))?;
        let unknown = || unknown_label(manifest, &file, &label, line);
        let index = index_of(manifest, &label).ok_or_else(unknown);
        labels.insert(file, index.map_err(QuantiseError::malformed(table))?);
    }
    Ok(labelled(paths, |path| {
        labels.get(path.file_name()?.to_str()?).copied()
    }))
}

fn unknown_label(manifest: &Manifest, file: &str, label: &str, row: usize) -> String {
    let labels = manifest.labels.iter();
    let labels: Vec<&str> = labels.map(|label| label.name.as_str()).collect();
    format!(
        "row {row}: unknown label `{label}` of {file}: write one of the bundle's labels ({})",
        labels.join(", ")
    )
}

/// What is wrong in a table of labels, with the row. The heading is row 1.
fn csv_error(error: &csv::Error) -> String {
    let row = error.position().map_or(1, csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("expected {expected_len} values as in the heading, found {len}"),
        csv::ErrorKind::Utf8 { .. } => "expected a text in UTF-8: save the table again".to_owned(),
        csv::ErrorKind::Deserialize { .. } => {
            "expected a heading with the columns `file` and `label`, such as file,label".to_owned()
        }
        _ => "expected a CSV table with the columns `file` and `label`".to_owned(),
    };
    format!("row {row}: {what}")
}

fn labelled(paths: &[PathBuf], label: impl Fn(&Path) -> Option<usize>) -> Vec<LabelledImage> {
    let image = |path: &PathBuf| LabelledImage {
        path: path.clone(),
        label: label(path),
    };
    paths.iter().map(image).collect()
}

fn index_of(manifest: &Manifest, label: &str) -> Option<usize> {
    manifest.labels.iter().position(|of| of.name == label)
}

/// Reads an image as the server does, in the trunk's input size.
pub(super) fn read(
    path: &Path,
    input: &Input,
    limits: &Limits,
) -> Result<InputTensor, QuantiseError> {
    let bytes = fs::read(path).map_err(QuantiseError::file(path))?;
    to_tensor(&bytes, input, limits).map_err(|source| QuantiseError::Image {
        path: path.to_owned(),
        source,
    })
}

fn to_tensor(bytes: &[u8], input: &Input, limits: &Limits) -> Result<InputTensor, ImageError> {
    let image = imaging::decode(bytes, limits)?;
    let resized = imaging::resize(&image, input.size, input.size, input.resize)?;
    let mut tensor = InputTensor::with_capacity(input.size, input.size, 1)?;
    tensor.push(&resized, &input.normalisation)?;
    Ok(tensor)
}
