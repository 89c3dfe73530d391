//! Cuts every cell of a data set out of its image.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use indicatif::ProgressBar;

use super::{
    CellRecord, Dataset,
    crop_table::{CropRow, CropSettings, CropTable, LeftOut, decode_image, names_a_file},
    labels::LabelSet,
};
use crate::{
    TrainingError,
    error::impossible,
    parallel,
    workspace::{Workspace, read_bytes, write_bytes, write_csv, write_json},
};
use bundle::sha256_hex;
use imaging::{self, CellImage, Padding};

/// The result of cutting.
#[derive(Clone, Debug)]
pub struct CropOutcome {
    /// The crops.
    pub table: CropTable,
    /// The cells that were left out, with reasons.
    pub left_out: Vec<LeftOut>,
}

/// The result of one row of the data set.
type CropResult = Result<CropRow, LeftOut>;

/// The results of one image's rows, by row number, and the image's size if it could be read.
struct ImageCuts {
    cuts: Vec<(usize, CropResult)>,
    size: Option<(u32, u32)>,
}

/// How to cut.
#[derive(Clone, Copy, Debug)]
pub struct CropOptions {
    /// Edge of the square in pixels of the image.
    pub edge: u32,
    /// What fills pixels outside the image.
    pub padding: Padding,
    /// Go on without the cells that cannot be used. If false and there are such cells, the tables
    /// of an earlier run stay as they are.
    pub leave_out: bool,
}

/// Cuts a square around every nucleus. Writes the crops as PNGs, the list of cells left out and, if
/// [`CropOptions::leave_out`] allows it, the table. Without nuclei each image is one crop.
///
/// A cell is left out (with a reason) if
///
/// - its image is missing or unreadable,
/// - its nucleus is outside the image,
/// - its label is unknown,
/// - its identifier is used twice or cannot name a file.
///
/// # Errors
/// If no cell is left, or a file cannot be written.
pub fn crop_dataset(
    dataset: &Dataset,
    workspace: &Workspace,
    options: &CropOptions,
    progress: &ProgressBar,
) -> Result<CropOutcome, TrainingError> {
    let (images, repeated) = rows_by_image(&dataset.cells);
    progress.set_length(images.len() as u64);
    let cutter = Cutter {
        labels: &dataset.labels,
        options,
        folder: &workspace.crops(),
    };
    let cuts = parallel::map(&images, |(path, rows)| {
        let cuts = cutter.cut_image(path, rows);
        progress.inc(1);
        cuts
    })?;
    let outcome = gather(cuts, repeated, dataset, options)?;
    write_csv(&workspace.left_out(), &outcome.left_out)?;
    if outcome.left_out.is_empty() || options.leave_out {
        write_csv(&workspace.crop_table(), &outcome.table.rows)?;
        write_json(&workspace.crop_settings(), &outcome.table.settings)?;
        write_json(&workspace.labels(), &outcome.table.labels)?;
    }
    Ok(outcome)
}

type ImageRows<'a> = (&'a Path, Vec<(usize, &'a CellRecord)>);

/// Groups the rows by image. Rows with the identifier of an earlier row are returned apart, because
/// identifiers name the crops.
fn rows_by_image(cells: &[CellRecord]) -> (Vec<ImageRows<'_>>, Vec<(usize, CropResult)>) {
    let mut images: BTreeMap<&Path, Vec<(usize, &CellRecord)>> = BTreeMap::new();
    let (mut repeated, mut seen) = (Vec::new(), BTreeSet::new());
    for (row, cell) in cells.iter().enumerate() {
        if seen.insert(&cell.cell_id) {
            images.entry(&cell.image).or_default().push((row, cell));
        } else {
            let reason = "an earlier row has the same cell_id; give each cell its own";
            repeated.push((row, Err(left_out(cell, reason))));
        }
    }
    (images.into_iter().collect(), repeated)
}

/// What all cuts share.
struct Cutter<'a> {
    labels: &'a LabelSet,
    options: &'a CropOptions,
    folder: &'a Path,
}

impl Cutter<'_> {
    fn cut_image(
        &self,
        path: &Path,
        rows: &[(usize, &CellRecord)],
    ) -> Result<ImageCuts, TrainingError> {
        let image = read_bytes(path).and_then(|bytes| decode_image(path, &bytes));
        let mut cuts = Vec::with_capacity(rows.len());
        for (row, cell) in rows {
            let cut = match &image {
                Ok(image) => self.cut_cell(image, cell)?,
                Err(error) => Err(error.to_string()),
            };
            cuts.push((*row, cut.map_err(|reason| left_out(cell, &reason))));
        }
        let size = image.ok().map(|image| (image.width(), image.height()));
        Ok(ImageCuts { cuts, size })
    }

    /// The row of the crop that was written, or why the cell cannot be used.
    fn cut_cell(
        &self,
        image: &CellImage,
        cell: &CellRecord,
    ) -> Result<Result<CropRow, String>, TrainingError> {
        if !names_a_file(&cell.cell_id) {
            return Ok(Err(
                "the cell_id cannot name a file; use 1 to 100 letters, digits, - and _".to_owned(),
            ));
        }
        let Some(label) = self.labels.index_of(&cell.label) else {
            return Ok(Err(format!("unknown label `{}`; see --labels", cell.label)));
        };
        let CropOptions { edge, padding, .. } = *self.options;
        let cut = cell
            .nucleus
            .map(|(x, y)| imaging::crop_at_nucleus(image, x, y, edge, padding));
        let cropped = match cut.transpose() {
            Ok(cropped) => cropped,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let file = format!("{}.png", cell.cell_id);
        let path = self.folder.join(&file);
        let bytes = cropped.as_ref().unwrap_or(image).to_png();
        let bytes = bytes.map_err(TrainingError::malformed(&path))?;
        write_bytes(&path, &bytes)?;
        Ok(Ok(CropRow {
            cell_id: cell.cell_id.clone(),
            image_id: cell.image_id.clone(),
            label: self.labels.labels[label].name.clone(),
            file,
            source: cell.image.clone(),
            nucleus_x: cell.nucleus.map(|(x, _)| x),
            nucleus_y: cell.nucleus.map(|(_, y)| y),
            sha256: sha256_hex(&bytes),
        }))
    }
}

fn left_out(cell: &CellRecord, reason: &str) -> LeftOut {
    LeftOut {
        origin: cell.origin.clone(),
        cell_id: cell.cell_id.clone(),
        image_id: cell.image_id.clone(),
        reason: reason.to_owned(),
    }
}

fn gather(
    images: Vec<ImageCuts>,
    repeated: Vec<(usize, CropResult)>,
    dataset: &Dataset,
    options: &CropOptions,
) -> Result<CropOutcome, TrainingError> {
    let sizes: Vec<(u32, u32)> = images.iter().filter_map(|image| image.size).collect();
    let mut cuts: Vec<(usize, CropResult)> = images
        .into_iter()
        .flat_map(|image| image.cuts)
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
        let LeftOut { origin, reason, .. } = first;
        return Err(impossible!(
            "no cell could be cut; the first one, {origin}: {reason}"
        ));
    }
    let with_nuclei = rows.iter().any(|row| row.nucleus_x.is_some());
    let table = CropTable {
        rows,
        settings: settings(&sizes, with_nuclei, options),
        labels: dataset.labels.clone(),
    };
    Ok(CropOutcome { table, left_out })
}

fn settings(sizes: &[(u32, u32)], with_nuclei: bool, options: &CropOptions) -> CropSettings {
    let widths: BTreeSet<u32> = sizes.iter().map(|(width, _)| *width).collect();
    let common = widths.first().filter(|_| widths.len() == 1 && with_nuclei);
    CropSettings {
        edge: match with_nuclei {
            true => options.edge,
            false => median_longer_side(sizes),
        },
        padding: options.padding,
        source_width_px: common.copied(),
    }
}

fn median_longer_side(sizes: &[(u32, u32)]) -> u32 {
    let sides = sizes.iter().map(|(width, height)| *width.max(height));
    let mut sides: Vec<u32> = sides.collect();
    sides.sort_unstable();
    sides.get(sides.len() / 2).copied().unwrap_or(1)
}
