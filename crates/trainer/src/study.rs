//! Everything that training, export and evaluation share: the cells, their labels and their parts.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use indicatif::ProgressBar;

use crate::{
    CropRow, CropTable, FeatureRequest, FeatureSet, Grouping, Part, SplitRow, TrainingError,
    TrunkFile, ViewPlan,
    dataset::{crop_table::require, part::HeldOutFolds},
    features,
    features::cache::features_digest,
    workspace::{Workspace, read_bytes, read_csv},
};
use bundle::Input;
use engine::{Runtime, seed_of};

/// What a study is made of.
#[derive(Clone, Copy, Debug)]
pub struct StudyOptions<'a> {
    /// The work folder.
    pub work: &'a Path,
    /// The trunk's ONNX file.
    pub trunk: &'a Path,
    /// Edge of the images shown to the trunk; the trunk's own when not given.
    pub size: Option<u32>,
    /// How many classes the labels are grouped into; as many as there are labels when not given.
    pub classes: Option<usize>,
    /// How many folds calibrate the model of the bundle; when not given, one of fewer than four folds, else two.
    pub calibration_folds: Option<usize>,
    /// Seed of everything random.
    pub seed: u64,
}

/// Cells with their labels and parts.
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
    /// How the labels are grouped.
    pub grouping: Grouping,
    /// The folds that the model of the bundle has not learnt from: they calibrate it.
    pub calibration: HeldOutFolds,
    /// Seed of everything random.
    pub seed: u64,
}

impl Study {
    /// Reads what `crop` and `split` wrote.
    ///
    /// # Errors
    /// [`TrainingError::Missing`] when an earlier step was not run, [`TrainingError::Impossible`] when calibration leaves no
    /// fold to learn from.
    pub fn open(options: &StudyOptions<'_>) -> Result<Self, TrainingError> {
        let workspace = Workspace::open(options.work)?;
        let table = CropTable::read(&workspace)?;
        let grouping = Grouping::with_classes(&table.labels, options.classes)?;
        let parts = read_parts(&workspace, &table)?;
        let cell_seeds = cell_seeds(&workspace, &table)?;
        let trunk = TrunkFile::open(options.trunk)?;
        let input = trunk.input(&table.settings, options.size);
        let calibration = calibration_part(&folds_of(&parts), options.calibration_folds)?;
        Ok(Self {
            workspace,
            table,
            parts,
            cell_seeds,
            trunk,
            input,
            grouping,
            calibration,
            seed: options.seed,
        })
    }

    /// The folds, counted from 0.
    pub fn folds(&self) -> Vec<usize> {
        folds_of(&self.parts)
    }

    /// What the models of a study have not learnt from: each fold in turn, to measure every cell out of fold, and the
    /// calibration folds together, for the model of the bundle. Where one fold calibrates, it is among the first.
    pub fn held_out(&self) -> Vec<HeldOutFolds> {
        let mut held_out = self.each_fold();
        if !held_out.contains(&self.calibration) {
            held_out.push(self.calibration.clone());
        }
        held_out
    }

    /// Each fold in turn.
    pub fn each_fold(&self) -> Vec<HeldOutFolds> {
        self.folds().into_iter().map(HeldOutFolds::one).collect()
    }

    /// Rows of the crops in one part.
    pub fn rows_in(&self, part: Part) -> Vec<usize> {
        (0..self.parts.len())
            .filter(|row| self.parts[*row] == part)
            .collect()
    }

    /// Rows of the crops in the folds that are held out.
    pub fn held_out_rows(&self, held_out: &HeldOutFolds) -> Vec<usize> {
        (0..self.parts.len())
            .filter(|row| held_out.hold(self.parts[*row]))
            .collect()
    }

    /// Rows to learn from when folds are held out: every other fold, never the test part.
    pub fn training_rows(&self, held_out: &HeldOutFolds) -> Vec<usize> {
        let learnt_from = |part: Part| part != Part::Test && !held_out.hold(part);
        (0..self.parts.len())
            .filter(|row| learnt_from(self.parts[*row]))
            .collect()
    }

    /// The outputs that are right for some rows.
    pub fn labels(&self, rows: &[usize]) -> Vec<usize> {
        rows.iter()
            .map(|row| self.class_of(&self.table.rows[*row].label))
            .collect()
    }

    /// The output that stands for a label; the table holds labels of its set only.
    fn class_of(&self, label: &str) -> usize {
        let label = self.table.labels.index_of(label).unwrap_or_default();
        self.grouping.of_label[label]
    }

    /// Refuses a division of single cells: what is certified on it promises nothing of the next image.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] that names an image that lies in two parts.
    pub fn check_images_apart(&self) -> Result<(), TrainingError> {
        let mut parts: BTreeMap<&str, Part> = BTreeMap::new();
        for (row, part) in self.table.rows.iter().zip(&self.parts) {
            let first = *parts.entry(&row.image_id).or_insert(*part);
            if first != *part {
                return Err(TrainingError::Impossible(format!(
                    "cells of image {} lie in {first} and in {part}, so that no promise would hold for another image: run \
                     `split` without --per-cell",
                    row.image_id
                )));
            }
        }
        Ok(())
    }

    /// The images that some rows come from, one name per row.
    pub fn images(&self, rows: &[usize]) -> Vec<&str> {
        rows.iter()
            .map(|row| self.table.rows[*row].image_id.as_str())
            .collect()
    }

    /// The images that some rows come from, as numbers: one per row, the same for the same image.
    pub fn image_numbers(&self, rows: &[usize]) -> Vec<usize> {
        let images = self.images(rows);
        let names: BTreeSet<&str> = images.iter().copied().collect();
        let names: Vec<&str> = names.into_iter().collect();
        let number = |image: &&str| names.partition_point(|name| name < image);
        images.iter().map(number).collect()
    }

    /// Number of different images among some rows.
    pub fn image_count(&self, rows: &[usize]) -> usize {
        self.images(rows).into_iter().collect::<BTreeSet<_>>().len()
    }

    /// Features of some rows in some views, from the cache where they are there.
    ///
    /// # Errors
    /// See [`features`].
    pub fn features_of(
        &self,
        runtime: &Runtime,
        trunk: &TrunkFile,
        rows: &[usize],
        views: &ViewPlan,
        progress: &ProgressBar,
    ) -> Result<FeatureSet, TrainingError> {
        let cells = self.cells(rows);
        let crops = self.workspace.crops();
        let request = self.request(&crops, &cells, views);
        features(runtime, trunk, &request, &self.workspace, progress)
    }

    /// Digest of what [`Self::features_of`] would give.
    ///
    /// # Errors
    /// [`TrainingError`] when the trunk or a crop cannot be read.
    pub fn digest_of(
        &self,
        trunk: &TrunkFile,
        rows: &[usize],
        views: &ViewPlan,
    ) -> Result<String, TrainingError> {
        let cells = self.cells(rows);
        let crops = self.workspace.crops();
        features_digest(trunk, &self.request(&crops, &cells, views))
    }

    fn cells(&self, rows: &[usize]) -> Vec<CropRow> {
        rows.iter()
            .map(|row| self.table.rows[*row].clone())
            .collect()
    }

    fn request<'a>(
        &'a self,
        crops: &'a Path,
        cells: &'a [CropRow],
        views: &'a ViewPlan,
    ) -> FeatureRequest<'a> {
        FeatureRequest {
            crops,
            cells,
            input: &self.input,
            views,
        }
    }
}

fn folds_of(parts: &[Part]) -> Vec<usize> {
    let fold = |part: &Part| match part {
        Part::Fold(fold) => Some(*fold),
        Part::Test => None,
    };
    let folds: BTreeSet<usize> = parts.iter().filter_map(fold).collect();
    folds.into_iter().collect()
}

/// With few folds, calibration takes one: with two of three the model would learn from a third of the cells.
fn usual_calibration_folds(folds: usize) -> usize {
    if folds < 4 { 1 } else { 2 }
}

fn calibration_part(folds: &[usize], count: Option<usize>) -> Result<HeldOutFolds, TrainingError> {
    let count = count.unwrap_or_else(|| usual_calibration_folds(folds.len()));
    if count == 0 || count >= folds.len() {
        return Err(TrainingError::Impossible(format!(
            "{count} of {} folds cannot calibrate: give at least 1, and fewer than there are folds",
            folds.len()
        )));
    }
    Ok(HeldOutFolds::first(folds, count))
}

/// The part of every crop, in their order.
pub(crate) fn read_parts(
    workspace: &Workspace,
    table: &CropTable,
) -> Result<Vec<Part>, TrainingError> {
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
    let seed = |row: &crate::CropRow| Ok(seed_of(&read_bytes(&folder.join(&row.file))?));
    table.rows.iter().map(seed).collect()
}
