//! CRIC's layout: `classifications.csv` beside a folder `fields/` of images.

use std::path::Path;

use serde::Deserialize;

use super::{cells::CellRecord, table::line_of};
use crate::training::{TrainingError, workspace::read_csv};

/// Name of the table.
pub const TABLE: &str = "classifications.csv";

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

/// Reads the table of a folder.
///
/// # Errors
/// A table that is missing or malformed; the error names the line.
pub fn read(folder: &Path) -> Result<Vec<CellRecord>, TrainingError> {
    let rows: Vec<Row> = read_csv(&folder.join(TABLE))?;
    let fields = folder.join("fields");
    let record = |(index, row): (usize, Row)| CellRecord {
        origin: line_of(TABLE, index),
        cell_id: row.cell_id,
        image_id: row.image_id,
        image: fields.join(row.image_filename),
        label: row.bethesda_system,
        nucleus: Some((row.nucleus_x, row.nucleus_y)),
    };
    Ok(rows.into_iter().enumerate().map(record).collect())
}
