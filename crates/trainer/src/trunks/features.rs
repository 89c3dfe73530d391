//! Trunk features, computed once per (crops, trunk, input, views) and kept on disk under a digest
//! of all four.

use std::{
    fs,
    path::{Path, PathBuf},
};

use indicatif::ProgressBar;

use crate::{
    CropRow, TrainingError, TrunkFile, ViewPlan,
    cache_key::{CacheKey, KeptStep},
    data::crop_table::load_crop,
    parallel,
    trunks::GraphPool,
    workspace::{Workspace, float_bytes, floats, read_bytes, write_bytes},
};
use bundle::Input;
use engine::Runtime;
use imaging::{CellImage, InputTensor};

/// Images per run of the trunk. Larger batches are not faster on a CPU.
const BATCH: usize = 8;

/// One row of features per cell.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureMatrix {
    /// D, the length of a row.
    pub dimension: usize,
    /// f32 `[cells, D]`, row-major.
    pub values: Vec<f32>,
}

impl FeatureMatrix {
    /// The features of a cell; empty for a row that does not exist.
    pub fn row(&self, cell: usize) -> &[f32] {
        let start = cell * self.dimension;
        self.values
            .get(start..start + self.dimension)
            .unwrap_or_default()
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.len() / self.dimension.max(1)
    }
}

/// The features of some cells in some views.
#[derive(Clone, Debug)]
pub struct FeatureSet {
    /// Digest of everything that the features depend on.
    pub digest: String,
    /// One matrix per view, all with the cells in the same order.
    pub views: Vec<FeatureMatrix>,
}

/// The features to compute.
pub struct FeatureRequest<'a> {
    /// Folder of the crops.
    pub crops: &'a Path,
    /// The cells.
    pub cells: &'a [CropRow],
    /// How a crop becomes the trunk's input.
    pub input: &'a Input,
    /// The views of each cell.
    pub views: &'a ViewPlan,
}

/// The features of every view, from the cache where it has them. An interrupted run keeps whole
/// views.
///
/// # Errors
/// If a crop is missing or is not the one of the table, or the runtime refuses the trunk.
pub fn features(
    runtime: &Runtime,
    trunk: &TrunkFile,
    request: &FeatureRequest<'_>,
    workspace: &Workspace,
    progress: &ProgressBar,
) -> Result<FeatureSet, TrainingError> {
    let digest = features_digest(trunk, request)?;
    let folder = workspace.features().join(&digest);
    let total = request.views.count() * request.cells.len();
    progress.inc_length(total as u64);
    let missing = (0..request.views.count()).any(|view| !view_file(&folder, view).is_file());
    let crops = if missing {
        load_crops(request)?
    } else {
        Vec::new()
    };
    let graphs = GraphPool::new(runtime, &trunk.path, &trunk.features);
    let cached = |view| {
        let path = view_file(&folder, view);
        if path.is_file() {
            progress.inc(request.cells.len() as u64);
            return read_matrix(&path, trunk.dimension, request.cells.len());
        }
        let matrix = compute_view(&graphs, trunk, request, &crops, view, progress)?;
        write_bytes(&path, &float_bytes(&matrix.values))?;
        Ok(matrix)
    };
    let views: Result<Vec<FeatureMatrix>, TrainingError> =
        (0..request.views.count()).map(cached).collect();
    Ok(FeatureSet {
        digest,
        views: views?,
    })
}

/// A crop in memory, with the seed that the server would derive from its file.
struct Crop<'a> {
    row: &'a CropRow,
    image: CellImage,
    seed: u64,
}

/// Digest of everything that the features depend on, in 24 characters.
///
/// # Errors
/// As [`CacheKey::digest`].
pub(crate) fn features_digest(
    trunk: &TrunkFile,
    request: &FeatureRequest<'_>,
) -> Result<String, TrainingError> {
    let cells = request.cells.iter();
    let cells: Vec<[&str; 2]> = cells
        .map(|cell| [cell.cell_id.as_str(), &cell.sha256])
        .collect();
    let mut digest = CacheKey::of(&[KeptStep::Views, KeptStep::Features])
        .with("trunk", &trunk.sha256)
        .with("output", &trunk.features)
        .with("input", request.input)
        .with("views", request.views)
        .with("cells", &cells)
        .digest()?;
    digest.truncate(24);
    Ok(digest)
}

fn view_file(folder: &Path, view: usize) -> PathBuf {
    folder.join(format!("view_{view:02}.f32"))
}

fn read_matrix(
    path: &Path,
    dimension: usize,
    cells: usize,
) -> Result<FeatureMatrix, TrainingError> {
    let values = floats(&read_bytes(path)?);
    if values.len() != dimension * cells {
        fs::remove_file(path).map_err(TrainingError::write(path))?;
        return Err(TrainingError::malformed(path)(
            "the file had a wrong length and was removed: run the command again",
        ));
    }
    Ok(FeatureMatrix { dimension, values })
}

fn load_crops<'a>(request: &FeatureRequest<'a>) -> Result<Vec<Crop<'a>>, TrainingError> {
    let cells: Vec<&'a CropRow> = request.cells.iter().collect();
    parallel::map(&cells, |row| {
        let (image, seed) = load_crop(request.crops, row)?;
        Ok(Crop { row, image, seed })
    })
}

fn compute_view(
    graphs: &GraphPool<'_>,
    trunk: &TrunkFile,
    request: &FeatureRequest<'_>,
    crops: &[Crop<'_>],
    view: usize,
    progress: &ProgressBar,
) -> Result<FeatureMatrix, TrainingError> {
    let batches: Vec<&[Crop<'_>]> = crops.chunks(BATCH).collect();
    let rows = parallel::map(&batches, |batch| {
        let tensor = input_tensor(request, batch, view)?;
        let input = (
            trunk.input.as_str(),
            tensor.shape().to_vec(),
            tensor.as_slice(),
        );
        let features = graphs.run(&[input])?;
        progress.inc(batch.len() as u64);
        Ok(features)
    })?;
    let matrix = FeatureMatrix {
        dimension: trunk.dimension,
        values: rows.concat(),
    };
    if matrix.values.len() == trunk.dimension * crops.len() {
        return Ok(matrix);
    }
    let found = matrix.values.len() / crops.len().max(1);
    Err(TrainingError::Runtime(format!(
        "expected {} features from the trunk, found {found}",
        trunk.dimension
    )))
}

fn input_tensor(
    request: &FeatureRequest<'_>,
    batch: &[Crop<'_>],
    view: usize,
) -> Result<InputTensor, TrainingError> {
    let input = request.input;
    let refused = |path: PathBuf| move |source| TrainingError::Image { path, source };
    let mut tensor = InputTensor::with_capacity(input.size, input.size, batch.len())
        .map_err(refused(request.crops.to_owned()))?;
    for crop in batch {
        request
            .views
            .view(&crop.image, crop.seed, view, input)
            .and_then(|image| tensor.push(&image, &input.normalisation))
            .map_err(refused(request.crops.join(&crop.row.file)))?;
    }
    Ok(tensor)
}
