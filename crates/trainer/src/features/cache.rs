//! Trunk features, computed once per (crops, trunk, input, views) and kept on disk under a digest of all four.

use std::{
    fs,
    path::{Path, PathBuf},
};

use indicatif::ProgressBar;
use sha2::{Digest, Sha256};

use crate::{
    CropRow, TrainingError, TrunkFile, ViewPlan,
    features::graph::Graph,
    parallel,
    workspace::{Workspace, read_bytes, write_bytes},
};
use bundle::{Input, sha256_hex};
use engine::{Runtime, seed_of};
use imaging::{self, CellImage, InputTensor, Limits};

/// Images per run of the trunk: larger batches gain nothing on a CPU.
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
    /// Digest of everything that they depend on.
    pub digest: String,
    /// One matrix per view, with the cells in the same order in each.
    pub views: Vec<FeatureMatrix>,
}

/// What features are to be computed of.
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

/// The features of every view, from the cache where they are there; a view is the unit that an interrupted run keeps.
///
/// # Errors
/// A crop that is missing or not the one of the table, or a trunk that the runtime refuses.
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
    let compute = |view| compute_view(runtime, trunk, request, &crops, view, progress);
    let cached = |view| {
        let path = view_file(&folder, view);
        if path.is_file() {
            progress.inc(request.cells.len() as u64);
            return read_matrix(&path, trunk.dimension, request.cells.len());
        }
        let matrix = compute(view)?;
        let bytes: Vec<u8> = matrix
            .values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        write_bytes(&path, &bytes)?;
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

/// Digest of everything that the features depend on, the version of the program that makes the views among it.
///
/// # Errors
/// None that a request of ours gives a reason for.
pub(crate) fn features_digest(
    trunk: &TrunkFile,
    request: &FeatureRequest<'_>,
) -> Result<String, TrainingError> {
    let explain = TrainingError::malformed("feature request");
    let settings = serde_json::to_vec(&(request.input, request.views)).map_err(explain)?;
    let mut hasher = Sha256::new();
    hasher.update(env!("CARGO_PKG_VERSION"));
    hasher.update(trunk.sha256.as_bytes());
    hasher.update(trunk.features.as_bytes());
    hasher.update(settings);
    for cell in request.cells {
        hasher.update(cell.cell_id.as_bytes());
        hasher.update(cell.sha256.as_bytes());
    }
    let digest = hasher.finalize();
    Ok(digest
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

fn view_file(folder: &Path, view: usize) -> PathBuf {
    folder.join(format!("view_{view:02}.f32"))
}

fn read_matrix(
    path: &Path,
    dimension: usize,
    cells: usize,
) -> Result<FeatureMatrix, TrainingError> {
    let bytes = read_bytes(path)?;
    let values: Vec<f32> = bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| f32::from_le_bytes(*word))
        .collect();
    if values.len() != dimension * cells {
        fs::remove_file(path).map_err(TrainingError::write(path))?;
        return Err(TrainingError::malformed(path)(
            "it had a wrong length and was removed: run again",
        ));
    }
    Ok(FeatureMatrix { dimension, values })
}

fn load_crops<'a>(request: &FeatureRequest<'a>) -> Result<Vec<Crop<'a>>, TrainingError> {
    let cells: Vec<&'a CropRow> = request.cells.iter().collect();
    parallel::map(parallel::available_threads(), &cells, |row| {
        let (image, seed) = load_crop(request.crops, row)?;
        Ok(Crop { row, image, seed })
    })
}

/// A crop with the seed that the server would derive from its file.
///
/// # Errors
/// When the file is missing, or not the crop of the table.
pub(crate) fn load_crop(folder: &Path, row: &CropRow) -> Result<(CellImage, u64), TrainingError> {
    let path = folder.join(&row.file);
    let bytes = read_bytes(&path)?;
    if sha256_hex(&bytes) != row.sha256 {
        return Err(TrainingError::malformed(&path)(
            "it is not the crop of the table: run `crop` again",
        ));
    }
    let image = imaging::decode(&bytes, &Limits::default());
    let image = image.map_err(|source| TrainingError::Image { path, source })?;
    Ok((image, seed_of(&bytes)))
}

fn compute_view(
    runtime: &Runtime,
    trunk: &TrunkFile,
    request: &FeatureRequest<'_>,
    crops: &[Crop<'_>],
    view: usize,
    progress: &ProgressBar,
) -> Result<FeatureMatrix, TrainingError> {
    let open = |_| Graph::open(runtime, &trunk.path, &trunk.features);
    let sessions: Result<Vec<Graph>, TrainingError> =
        (0..parallel::available_threads()).map(open).collect();
    let batches: Vec<&[Crop<'_>]> = crops.chunks(BATCH).collect();
    let rows = parallel::map_with_states(sessions?, &batches, |session, batch| {
        let tensor = input_tensor(request, batch, view)?;
        let features =
            session.run(&[(&trunk.input, tensor.shape().to_vec(), tensor.as_slice())])?;
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
        "the trunk gave {found} features, not {}",
        trunk.dimension
    )))
}

fn input_tensor(
    request: &FeatureRequest<'_>,
    batch: &[Crop<'_>],
    view: usize,
) -> Result<InputTensor, TrainingError> {
    let input = request.input;
    let fill = |tensor: &mut InputTensor, crop: &Crop<'_>| {
        let image = request.views.view(&crop.image, crop.seed, view, input)?;
        tensor.push(&image, &input.normalisation)
    };
    let path = |crop: &Crop<'_>| request.crops.join(&crop.row.file);
    let mut tensor =
        InputTensor::with_capacity(input.size, input.size, batch.len()).map_err(|source| {
            TrainingError::Image {
                path: request.crops.to_owned(),
                source,
            }
        })?;
    for crop in batch {
        fill(&mut tensor, crop).map_err(|source| TrainingError::Image {
            path: path(crop),
            source,
        })?;
    }
    Ok(tensor)
}
