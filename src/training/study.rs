//! Everything that training, export and evaluation share: the cells, their parts, their features and the heads.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use indicatif::ProgressBar;

use crate::training::{
    CropTable, FeatureRequest, FeatureSet, Grouping, HeadWeights, Part, Recipe, SplitRow,
    TrainingCells, TrainingError, TrunkFile, ViewPlan,
    dataset::crop_table::require,
    features, fit, parallel,
    workspace::{Workspace, read_bytes, read_csv},
};
use crate::{
    bundle::{ChannelOrder, Input, Method, sha256_hex},
    engine::{Runtime, seed_of},
    imaging::{Normalisation, ResizeFilter},
};

/// Views of each cell that the heads learn from: all eight of the square.
const TRAINING_VIEWS: usize = 8;

/// What a study is made of.
#[derive(Clone, Copy, Debug)]
pub struct StudyOptions<'a> {
    /// The work folder.
    pub work: &'a Path,
    /// The trunk's ONNX file.
    pub trunk: &'a Path,
    /// How the Bethesda classes are grouped.
    pub grouping: Grouping,
    /// Seed of everything random.
    pub seed: u64,
}

/// Cells with their parts and features.
pub struct Study {
    /// The work folder.
    pub workspace: Workspace,
    /// The crops.
    pub table: CropTable,
    /// The part of every crop.
    pub parts: Vec<Part>,
    /// The seed that the server derives from every crop's file.
    pub cell_seeds: Vec<u64>,
    /// The trunk.
    pub trunk: TrunkFile,
    /// What the trunk wants to see.
    pub input: Input,
    /// Features of every crop in the training views; view 0 is the crop as it is.
    pub features: FeatureSet,
    /// How the Bethesda classes are grouped.
    pub grouping: Grouping,
    /// Seed of everything random.
    pub seed: u64,
}

impl Study {
    /// Reads what `crop` and `split` wrote and computes the features that are missing.
    ///
    /// # Errors
    /// [`TrainingError::Missing`] when an earlier step was not run; see [`features`].
    pub fn open(
        options: &StudyOptions<'_>,
        runtime: &Runtime,
        progress: &ProgressBar,
    ) -> Result<Self, TrainingError> {
        let workspace = Workspace::open(options.work)?;
        let table = CropTable::read(&workspace)?;
        let parts = read_parts(&workspace, &table)?;
        let cell_seeds = cell_seeds(&workspace, &table)?;
        let trunk = TrunkFile::efficientnet_lite0(options.trunk)?;
        let input = efficientnet_lite0_input(&table);
        let request = FeatureRequest {
            crops: &workspace.crops(),
            cells: &table.rows,
            input: &input,
            views: &ViewPlan::Dihedral {
                count: TRAINING_VIEWS,
            },
        };
        let features = features(runtime, &trunk, &request, &workspace, progress)?;
        Ok(Self {
            workspace,
            table,
            parts,
            cell_seeds,
            trunk,
            input,
            features,
            grouping: options.grouping,
            seed: options.seed,
        })
    }

    /// The folds, counted from 0.
    pub fn folds(&self) -> Vec<usize> {
        let fold = |part: &Part| match part {
            Part::Fold(fold) => Some(*fold),
            Part::Test => None,
        };
        let folds: BTreeSet<usize> = self.parts.iter().filter_map(fold).collect();
        folds.into_iter().collect()
    }

    /// Rows of the crops in one part.
    pub fn rows_in(&self, part: Part) -> Vec<usize> {
        (0..self.parts.len())
            .filter(|row| self.parts[*row] == part)
            .collect()
    }

    /// Rows to learn from when a fold is held out: every other fold, never the test part.
    pub fn training_rows(&self, held_out: usize) -> Vec<usize> {
        let learnt_from = |part: Part| part != Part::Test && part != Part::Fold(held_out);
        (0..self.parts.len())
            .filter(|row| learnt_from(self.parts[*row]))
            .collect()
    }

    /// The outputs that are right for some rows.
    pub fn labels(&self, rows: &[usize]) -> Vec<usize> {
        rows.iter()
            .map(|row| self.grouping.class_of(self.table.rows[*row].label))
            .collect()
    }

    /// The images that some rows come from, one name per row.
    pub fn images(&self, rows: &[usize]) -> Vec<&str> {
        rows.iter()
            .map(|row| self.table.rows[*row].image_id.as_str())
            .collect()
    }

    /// Number of different images among some rows.
    pub fn image_count(&self, rows: &[usize]) -> usize {
        self.images(rows).into_iter().collect::<BTreeSet<_>>().len()
    }

    /// Trains the heads of a method for every held-out fold, side by side on the cores there are; what was trained
    /// before with the same cells, recipe and seed is kept.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] for a method without heads of its own.
    pub fn train(&self, method: Method, progress: &ProgressBar) -> Result<(), TrainingError> {
        let recipe = Recipe::compact(method)?;
        let labels = self.labels(&(0..self.parts.len()).collect::<Vec<_>>());
        parallel::map(parallel::available_threads(), &self.folds(), |fold| {
            let path = self.head_file(method, &recipe, *fold);
            if path.is_file() {
                return Ok(());
            }
            let cells = TrainingCells {
                views: &self.features.views,
                rows: &self.training_rows(*fold),
                validation: &[],
                classes: &labels,
                class_count: self.grouping.classes(),
            };
            let purpose = format!("{method}/fold {fold} held out");
            let checkpoint = path.with_extension("checkpoint");
            fit(
                &cells,
                &recipe,
                self.seed,
                &purpose,
                Some(&checkpoint),
                progress,
            )?
            .write(&path)
        })?;
        Ok(())
    }

    /// The heads that [`Self::train`] made with a fold held out.
    ///
    /// # Errors
    /// [`TrainingError::Missing`] before that.
    pub fn heads(&self, method: Method, held_out: usize) -> Result<HeadWeights, TrainingError> {
        let recipe = Recipe::compact(method)?;
        let path = self.head_file(method, &recipe, held_out);
        require(
            &path,
            &format!(
                "train --method {method} --num-classes {}",
                self.grouping.classes()
            ),
        )?;
        HeadWeights::read(
            &path,
            recipe.shape(self.trunk.dimension, self.grouping.classes()),
        )
    }

    /// A name that changes with everything that the heads depend on.
    fn head_file(&self, method: Method, recipe: &Recipe, held_out: usize) -> PathBuf {
        let rows = self.training_rows(held_out);
        let depends_on = format!(
            "{}|{recipe:?}|{}|{:?}|{rows:?}",
            self.features.digest,
            self.seed,
            self.labels(&rows)
        );
        let digest = sha256_hex(depends_on.as_bytes());
        let classes = self.grouping.classes();
        let name = format!(
            "{method}_{classes}_classes_without_fold_{held_out}_{}.f32",
            &digest[..16]
        );
        self.workspace.heads().join(name)
    }
}

/// The part of every crop, in their order.
pub fn read_parts(workspace: &Workspace, table: &CropTable) -> Result<Vec<Part>, TrainingError> {
    let path = workspace.split();
    require(&path, "split")?;
    let rows: Vec<SplitRow> = read_csv(&path)?;
    let same_cells = rows.len() == table.rows.len()
        && rows
            .iter()
            .zip(&table.rows)
            .all(|(row, crop)| row.cell_id == crop.cell_id && row.label == crop.label);
    if !same_cells {
        return Err(TrainingError::malformed(&path)(
            "it divides other cells than those cropped: run `split` again",
        ));
    }
    Ok(rows.into_iter().map(|row| row.part).collect())
}

fn cell_seeds(workspace: &Workspace, table: &CropTable) -> Result<Vec<u64>, TrainingError> {
    let folder = workspace.crops();
    let seed = |row: &crate::training::CropRow| Ok(seed_of(&read_bytes(&folder.join(&row.file))?));
    table.rows.iter().map(seed).collect()
}

/// The input that the pretrained weights were made for.
fn efficientnet_lite0_input(table: &CropTable) -> Input {
    Input {
        size: 224,
        channels: ChannelOrder::Rgb,
        resize: ResizeFilter::Bilinear,
        normalisation: Normalisation {
            scale: 1.0,
            mean: [127.0; 3],
            std: [128.0; 3],
        },
        crop_edge_px: table.settings.edge,
        padding: table.settings.padding,
        source_width_px: table.settings.source_width_px,
        micrometres_per_pixel: None,
    }
}
