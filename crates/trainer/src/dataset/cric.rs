//! CRIC's layout: `classifications.csv` beside a folder `fields/` of images.

use std::path::Path;

use serde::Deserialize;

use super::{cells::CellRecord, table::line_of};
use crate::{
    TrainingError,
    workspace::{read_bytes, read_csv},
};

/// Name of the table.
pub(super) const TABLE: &str = "classifications.csv";

/// One row of the table: a nucleus and what experts called it.
#[derive(Deserialize)]
struct Row {
    image_id: String,
    image_filename: String,
    cell_id: String,
    bethesda_system: String,
    nucleus_x: i64,
    nucleus_y: i64,
}

/// Whether a CSV has this layout's columns.
///
/// # Errors
/// A file that is no CSV.
pub(super) fn has_columns(table: &Path) -> Result<bool, TrainingError> {
    let bytes = read_bytes(table)?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let header = reader.headers().map_err(TrainingError::malformed(table))?;
    Ok(header.iter().any(|column| column == "bethesda_system"))
}

/// Reads the table of a folder, or a table by its path. The images lie in `images`, or in `fields/` beside the table.
///
/// # Errors
/// A table that is missing or malformed; the error names the line.
pub(super) fn read(path: &Path, images: Option<&Path>) -> Result<Vec<CellRecord>, TrainingError> {
    let table = if path.is_dir() {
        path.join(TABLE)
    } else {
        path.to_owned()
    };
    let rows: Vec<Row> = read_csv(&table)?;
    let beside = table.with_file_name("fields");
    let fields = images.unwrap_or(&beside);
    let name = table.file_name().unwrap_or_default().to_string_lossy();
    let record = |(index, row): (usize, Row)| CellRecord {
        origin: line_of(&name, index),
        cell_id: row.cell_id,
        image_id: row.image_id,
        image: fields.join(row.image_filename),
        label: row.bethesda_system,
        nucleus: Some((row.nucleus_x, row.nucleus_y)),
    };
    Ok(rows.into_iter().enumerate().map(record).collect())
}
