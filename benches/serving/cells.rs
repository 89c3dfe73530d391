//! The images that are sent.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bundle::Manifest;
use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use indicatif::ProgressBar;
use trainer::{
    CellPart, CropOptions, CropTable, Dataset, SplitOptions, Workspace, crop_dataset, split,
};

use crate::BenchResult;

const EXAMPLES: &str = "examples/cells";
const QUALITY: u8 = 92;

/// The example cells as JPEG, as most clients send them.
pub(crate) fn examples() -> BenchResult<Vec<Bytes>> {
    let mut files = files_in(Path::new(EXAMPLES))?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "png"));
    files.iter().map(|path| as_jpeg(path)).collect()
}

/// The files of a folder in the order of their names.
pub(crate) fn files_in(folder: &Path) -> BenchResult<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut files = entries.collect::<BenchResult<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

fn as_jpeg(path: &Path) -> BenchResult<Bytes> {
    let image = image::open(path)?.to_rgb8();
    let mut encoded = Vec::new();
    image.write_with_encoder(JpegEncoder::new_with_quality(&mut encoded, QUALITY))?;
    Ok(encoded.into())
}

/// The cells of a tenth of the data set's images, as the trainer cuts and divides them. `None`
/// without the data set. Crops are kept in `work` for the next run. The default bundle has learnt
/// from all images, these included.
pub(crate) fn test_cells(
    data: &Path,
    work: &Path,
    manifest: &Manifest,
) -> BenchResult<Option<Vec<Bytes>>> {
    if !data.exists() {
        return Ok(None);
    }
    let workspace = Workspace::open(work)?;
    let table = match CropTable::read(&workspace) {
        Ok(table) if table.settings.edge == manifest.input.crop_edge_px => table,
        _ => cut(data, &workspace, manifest)?,
    };
    let options = SplitOptions {
        folds: 5,
        test_share: 0.1,
        per_cell: false,
        seed: manifest.training.seed,
    };
    let division = split(&table.rows, &table.labels, &options, None)?;
    let parts = table.rows.iter().zip(&division.rows);
    let tested = parts.filter(|(_, row)| row.part == CellPart::Test);
    let files = tested.map(|(crop, _)| workspace.crops().join(&crop.file));
    let read = |path: PathBuf| Ok(fs::read(path)?.into());
    files.map(read).collect::<BenchResult<_>>().map(Some)
}

fn cut(data: &Path, workspace: &Workspace, manifest: &Manifest) -> BenchResult<CropTable> {
    let dataset = Dataset::open(data, None, None)?;
    let options = CropOptions {
        edge: manifest.input.crop_edge_px,
        padding: manifest.input.padding,
        leave_out: true,
    };
    Ok(crop_dataset(&dataset, workspace, &options, &ProgressBar::hidden())?.table)
}
