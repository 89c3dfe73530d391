//! A CSV with a path and a label per row: the simplest way to bring one's own cells.

use std::path::Path;

use serde::Deserialize;

use super::{cells::CellRecord, folders::identifier};
use crate::{TrainingError, workspace::read_csv};

#[derive(Deserialize)]
struct Row {
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

/// How an error names a row: the header is line 1.
pub(super) fn line_of(table: &str, index: usize) -> String {
    format!("{table}, line {}", index + 2)
}

/// Reads the table; paths are relative to `images`, or to the table's folder. Without `image_id` each file is an image of its own.
///
/// # Errors
/// A table that is missing or malformed (the error names the line), or has a nucleus in some rows only.
pub(super) fn read(table: &Path, images: Option<&Path>) -> Result<Vec<CellRecord>, TrainingError> {
    let rows: Vec<Row> = read_csv(table)?;
    let name = table
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
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
