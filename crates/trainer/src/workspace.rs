//! The work folder, where the steps of a training leave their results for each other.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{TrainingError, error::impossible, plain};

/// Names the files of a work folder.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
    /// Folder of the augmented views, when it is not in the work folder.
    augmented: Option<PathBuf>,
}

impl Workspace {
    /// Opens the folder and creates it if it is missing.
    ///
    /// # Errors
    /// [`TrainingError::Write`] if the folder cannot be created.
    pub fn open(root: &Path) -> Result<Self, TrainingError> {
        fs::create_dir_all(root).map_err(TrainingError::write(root))?;
        Ok(Self {
            root: root.to_owned(),
            augmented: None,
        })
    }

    /// The same work folder with the augmented views in another folder.
    pub(crate) fn with_augmented(self, folder: &Path) -> Self {
        Self {
            augmented: Some(folder.to_owned()),
            ..self
        }
    }

    /// Keeps the crops in a folder outside the work folder, which is made where it is missing.
    ///
    /// # Errors
    /// [`TrainingError::Write`] when the folder cannot be made.
    pub(crate) fn keep_crops_in(&self, folder: &Path) -> Result<(), TrainingError> {
        fs::create_dir_all(folder).map_err(TrainingError::write(folder))?;
        let target = fs::canonicalize(folder).map_err(TrainingError::read(folder))?;
        write_json(&self.shared_crops(), &target)
    }

    /// The work folder itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Uses the crops of another work folder: copies the tables and refers to the images where they
    /// are.
    ///
    /// # Errors
    /// [`TrainingError::Write`] if a file cannot be copied.
    pub fn share_crops(&self, other: &Self) -> Result<(), TrainingError> {
        let tables = [
            (other.crop_table(), self.crop_table()),
            (other.crop_settings(), self.crop_settings()),
            (other.labels(), self.labels()),
        ];
        for (from, to) in tables {
            write_bytes(&to, &read_bytes(&from)?)?;
        }
        let target = fs::canonicalize(other.crops()).map_err(TrainingError::read(other.crops()))?;
        write_json(&self.shared_crops(), &target)
    }

    /// Holds the path of the crops' folder if another work folder has them.
    fn shared_crops(&self) -> PathBuf {
        self.root.join("shared_crops.json")
    }

    /// The crops, one PNG per cell.
    pub fn crops(&self) -> PathBuf {
        let shared = read_json(&self.shared_crops()).ok();
        shared.unwrap_or_else(|| self.root.join("crops"))
    }

    /// The table of the crops.
    pub fn crop_table(&self) -> PathBuf {
        self.root.join("crops.csv")
    }

    /// How the crops were cut.
    pub fn crop_settings(&self) -> PathBuf {
        self.root.join("crops.json")
    }

    /// The labels of the data set.
    pub fn labels(&self) -> PathBuf {
        self.root.join("labels.json")
    }

    /// The cells that were left out, with reasons.
    pub fn left_out(&self) -> PathBuf {
        self.root.join("left_out.csv")
    }

    /// The part of each cell.
    pub fn split(&self) -> PathBuf {
        self.root.join("split.csv")
    }

    /// Trunk features, a folder per digest.
    pub fn features(&self) -> PathBuf {
        self.root.join("features")
    }

    /// Trunks with a second output for statistics, a file per digest.
    pub fn statistics(&self) -> PathBuf {
        self.root.join("statistics")
    }

    /// Augmented views, a folder per cell.
    pub fn augmented(&self) -> PathBuf {
        let inside = || self.root.join("augmented");
        self.augmented.clone().unwrap_or_else(inside)
    }

    /// Fine-tuned trunks with their heads, a folder per fold and digest.
    pub fn fine_tuned(&self) -> PathBuf {
        self.root.join("fine_tuned")
    }

    /// Trained heads, a file per method, classes, fold and digest.
    pub fn heads(&self) -> PathBuf {
        self.root.join("heads")
    }
}

/// Reads a whole file.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, TrainingError> {
    fs::read(path).map_err(TrainingError::read(path))
}

/// Writes a file under a temporary name and renames it, so that an interruption leaves no
/// incomplete file.
pub(crate) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), TrainingError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(TrainingError::write(folder))?;
    }
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    fs::write(&partial, bytes).map_err(TrainingError::write(path))?;
    fs::rename(&partial, path).map_err(TrainingError::write(path))
}

/// f32 values as little-endian bytes.
pub(crate) fn float_bytes<'a>(values: impl IntoIterator<Item = &'a f32>) -> Vec<u8> {
    let values = values.into_iter();
    values.flat_map(|value| value.to_le_bytes()).collect()
}

/// Reads the values that [`float_bytes`] wrote.
pub(crate) fn floats(bytes: &[u8]) -> Vec<f32> {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|word| f32::from_le_bytes(*word)).collect()
}

/// Writes a value as indented JSON.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), TrainingError> {
    let text = serde_json::to_string_pretty(value);
    let mut text = text.map_err(|_| no_form(path, "JSON"))?;
    text.push('\n');
    write_bytes(path, text.as_bytes())
}

/// For a value that a file format cannot hold.
pub(crate) fn no_form(path: &Path, format: &str) -> TrainingError {
    TrainingError::malformed(path)(format!("the result has no {format} form"))
}

/// Reads JSON that [`write_json`] wrote.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, TrainingError> {
    serde_json::from_slice(&read_bytes(path)?)
        .map_err(|error| TrainingError::malformed(path)(plain::json(&error)))
}

/// Reads TOML. If the file cannot be read, the error ends with `hint`.
pub(crate) fn read_toml<T: DeserializeOwned>(path: &Path, hint: &str) -> Result<T, TrainingError> {
    let bytes = read_bytes(path).map_err(|error| impossible!("{error}; {hint}"))?;
    parse_toml(path, &String::from_utf8_lossy(&bytes))
}

/// Parses the TOML of a file.
pub(crate) fn parse_toml<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, TrainingError> {
    toml::from_str(text).map_err(|error| TrainingError::malformed(path)(plain::toml(&error, text)))
}

/// Writes rows as CSV with a header.
pub(crate) fn write_csv<T: Serialize>(path: &Path, rows: &[T]) -> Result<(), TrainingError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).map_err(|_| no_form(path, "CSV"))?;
    }
    let bytes = writer.into_inner().map_err(|_| no_form(path, "CSV"))?;
    write_bytes(path, &bytes)
}

/// Reads CSV with a header. An error names line and column.
pub(crate) fn read_csv<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, TrainingError> {
    let bytes = read_bytes(path)?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let malformed = TrainingError::malformed::<String>;
    let none = csv::StringRecord::new();
    let header = reader.headers().cloned();
    let header = header.map_err(|error| malformed(path)(plain::csv(&none, None, &error)))?;
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| malformed(path)(plain::csv(&header, None, &error)))?;
        let read = row.deserialize(Some(&header));
        rows.push(read.map_err(|error| malformed(path)(plain::csv(&header, Some(&row), &error)))?);
    }
    Ok(rows)
}
