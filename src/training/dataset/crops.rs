//! Cutting every cell of a data set out of its field.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Cursor,
    path::Path,
};

use image::ImageFormat;
use indicatif::ProgressBar;

use crate::training::{
    Bethesda, CropRow, CropSettings, CropTable, Dataset, LeftOut, TrainingError,
    dataset::cric::CellRecord,
    dataset::crop_table::names_a_file,
    parallel,
    workspace::{Workspace, read_bytes, write_bytes, write_csv, write_json},
};
use crate::{
    bundle::sha256_hex,
    imaging::{self, CellImage, Limits, Padding},
};

/// What cutting gave.
#[derive(Clone, Debug)]
pub struct CropOutcome {
    /// The crops.
    pub table: CropTable,
    /// The cells that were left out, and why.
    pub left_out: Vec<LeftOut>,
}

/// What became of one row of the data set.
type Cut = Result<CropRow, LeftOut>;

/// What became of the rows of one field, by row number, and the field's width when it could be read.
struct FieldCuts {
    cuts: Vec<(usize, Cut)>,
    width: Option<u32>,
}

/// Cuts a square of `edge` pixels around every nucleus and writes PNGs, their table and the list of cells left out.
///
/// A cell is left out (with a reason) when its image is missing or unreadable, its nucleus lies outside the image, its
/// label is unknown, or its identifier is used twice or cannot name a file.
///
/// # Errors
/// When no cell is left, or something cannot be written.
pub fn crop_dataset(
    dataset: &Dataset,
    workspace: &Workspace,
    edge: u32,
    padding: Padding,
    progress: &ProgressBar,
) -> Result<CropOutcome, TrainingError> {
    let (fields, repeated) = rows_by_field(&dataset.cells);
    progress.set_length(fields.len() as u64);
    let folder = workspace.crops();
    let cuts = parallel::map(parallel::available_threads(), &fields, |(file, rows)| {
        let cuts = cut_field(dataset, file, rows, edge, padding, &folder);
        progress.inc(1);
        cuts
    })?;
    let outcome = gather(cuts, repeated, edge, padding)?;
    write_csv(&workspace.crop_table(), &outcome.table.rows)?;
    write_csv(&workspace.left_out(), &outcome.left_out)?;
    write_json(&workspace.crop_settings(), &outcome.table.settings)?;
    Ok(outcome)
}

type FieldRows<'a> = (&'a str, Vec<(usize, &'a CellRecord)>);

/// Groups the rows by field; rows whose identifier an earlier row has come apart, since crops are named after it.
fn rows_by_field(cells: &[CellRecord]) -> (Vec<FieldRows<'_>>, Vec<(usize, Cut)>) {
    let mut fields: BTreeMap<&str, Vec<(usize, &CellRecord)>> = BTreeMap::new();
    let (mut repeated, mut seen) = (Vec::new(), BTreeSet::new());
    for (row, cell) in cells.iter().enumerate() {
        if seen.insert(&cell.cell_id) {
            fields
                .entry(&cell.image_filename)
                .or_default()
                .push((row, cell));
        } else {
            repeated.push((
                row,
                Err(left_out(cell, "its identifier is used by an earlier row")),
            ));
        }
    }
    (fields.into_iter().collect(), repeated)
}

fn cut_field(
    dataset: &Dataset,
    file: &str,
    rows: &[(usize, &CellRecord)],
    edge: u32,
    padding: Padding,
    folder: &Path,
) -> Result<FieldCuts, TrainingError> {
    let field = match read_field(&dataset.field(file)) {
        Ok(field) => field,
        Err(reason) => {
            let cuts = rows
                .iter()
                .map(|(row, cell)| (*row, Err(left_out(cell, &reason))))
                .collect();
            return Ok(FieldCuts { cuts, width: None });
        }
    };
    let cut = |(row, cell): &(usize, &CellRecord)| {
        Ok((*row, cut_cell(&field, cell, edge, padding, folder)?))
    };
    let cuts: Result<Vec<_>, TrainingError> = rows.iter().map(cut).collect();
    Ok(FieldCuts {
        cuts: cuts?,
        width: Some(field.width()),
    })
}

fn read_field(path: &Path) -> Result<CellImage, String> {
    let bytes = read_bytes(path).map_err(|error| error.to_string())?;
    imaging::decode(&bytes, &Limits::default())
        .map_err(|error| format!("{}: {error}", path.display()))
}

fn cut_cell(
    field: &CellImage,
    cell: &CellRecord,
    edge: u32,
    padding: Padding,
    folder: &Path,
) -> Result<Cut, TrainingError> {
    if !names_a_file(&cell.cell_id) {
        return Ok(Err(left_out(cell, "its identifier cannot name a file")));
    }
    let label = match cell.bethesda_system.parse::<Bethesda>() {
        Ok(label) => label,
        Err(unknown) => return Ok(Err(left_out(cell, &unknown.to_string()))),
    };
    let crop = match imaging::crop_at_nucleus(field, cell.nucleus_x, cell.nucleus_y, edge, padding)
    {
        Ok(crop) => crop,
        Err(error) => return Ok(Err(left_out(cell, &error.to_string()))),
    };
    let file = format!("{}.png", cell.cell_id);
    let path = folder.join(&file);
    let bytes = encode_png(&crop).map_err(TrainingError::malformed(&path))?;
    write_bytes(&path, &bytes)?;
    Ok(Ok(CropRow {
        cell_id: cell.cell_id.clone(),
        image_id: cell.image_id.clone(),
        label,
        file,
        nucleus_x: cell.nucleus_x,
        nucleus_y: cell.nucleus_y,
        sha256: sha256_hex(&bytes),
    }))
}

fn encode_png(crop: &CellImage) -> Result<Vec<u8>, image::ImageError> {
    let mut bytes = Cursor::new(Vec::new());
    crop.as_rgb().write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

fn left_out(cell: &CellRecord, reason: &str) -> LeftOut {
    LeftOut {
        cell_id: cell.cell_id.clone(),
        image_id: cell.image_id.clone(),
        reason: reason.to_owned(),
    }
}

fn gather(
    fields: Vec<FieldCuts>,
    repeated: Vec<(usize, Cut)>,
    edge: u32,
    padding: Padding,
) -> Result<CropOutcome, TrainingError> {
    let widths: BTreeSet<u32> = fields.iter().filter_map(|field| field.width).collect();
    let source_width_px = (widths.len() == 1)
        .then(|| widths.first().copied())
        .flatten();
    let mut cuts: Vec<(usize, Cut)> = fields
        .into_iter()
        .flat_map(|field| field.cuts)
        .chain(repeated)
        .collect();
    cuts.sort_by_key(|(row, _)| *row);
    let (mut rows, mut left_out) = (Vec::new(), Vec::new());
    for (_, cut) in cuts {
        match cut {
            Ok(row) => rows.push(row),
            Err(reason) => left_out.push(reason),
        }
    }
    if let (true, Some(first)) = (rows.is_empty(), left_out.first()) {
        let reason = format!(
            "no cell could be cut; the first: cell {}: {}",
            first.cell_id, first.reason
        );
        return Err(TrainingError::Impossible(reason));
    }
    let settings = CropSettings {
        edge,
        padding,
        source_width_px,
    };
    let table = CropTable { rows, settings };
    Ok(CropOutcome { table, left_out })
}
