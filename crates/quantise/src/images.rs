//! The images that trunks are compared on, and what is known of them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::QuantiseError;
use bundle::{Input, Manifest};
use imaging::{self, ImageError, InputTensor, Limits};

/// An image file, and the class that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledImage {
    /// The file.
    pub path: PathBuf,
    /// Index of its label in the bundle; `None` where it is not known.
    pub label: Option<usize>,
}

/// A row of a table of labels; further columns are not looked at.
#[derive(Deserialize)]
struct LabelRow {
    file: String,
    label: String,
}

/// Takes the name of the folder that a file lies in for its label, where the bundle has a label of that name.
pub fn with_folder_labels(paths: &[PathBuf], manifest: &Manifest) -> Vec<LabelledImage> {
    labelled(paths, |path| {
        index_of(manifest, path.parent()?.file_name()?.to_str()?)
    })
}

/// Takes labels from a CSV table with the columns `file`, a name without its folder, and `label`, such as the trainer's
/// `crops.csv`. Images that it does not name have none.
///
/// # Errors
/// When the table cannot be read, or has a label that the bundle does not have.
pub fn with_table_labels(
    paths: &[PathBuf],
    manifest: &Manifest,
    table: &Path,
) -> Result<Vec<LabelledImage>, QuantiseError> {
    let bytes = fs::read(table).map_err(QuantiseError::file(table))?;
    let mut labels = BTreeMap::new();
    for row in csv::Reader::from_reader(bytes.as_slice()).deserialize() {
        let LabelRow { file, label } = row.map_err(QuantiseError::malformed(table))?;
        let unknown = || format!("the bundle has no label `{label}`, which it gives to {file}");
        let index = index_of(manifest, &label).ok_or_else(unknown);
        labels.insert(file, index.map_err(QuantiseError::malformed(table))?);
    }
    Ok(labelled(paths, |path| {
        labels.get(path.file_name()?.to_str()?).copied()
    }))
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

/// Reads an image as the server would, at the size that the trunk wants.
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
