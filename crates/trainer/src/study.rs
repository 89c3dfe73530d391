//! The cells, labels and parts that training, export and evaluation share.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::{
    CellPart, ClassGrouping, CropRow, CropTable, FeatureRequest, SplitRow, TrainingError,
    TrunkFile, ViewPlan,
    data::{crop_table::require, part::HeldOutFolds},
    trunks::features::features_digest,
    workspace::{Workspace, read_bytes, read_csv},
};
use bundle::Input;
use engine::seed_of;

/// What to open as a study.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StudyOptions<'a> {
    /// The work folder.
    pub work: &'a Path,
    /// The trunk's ONNX file.
    pub trunk: &'a Path,
    /// Edge of the trunk's input in pixels; the trunk's own if `None`.
    pub size: Option<u32>,
    /// Number of classes to group the labels into; all labels if `None`.
    pub classes: Option<usize>,
    /// Seed of all randomness.
    pub seed: u64,
}

/// Cells with their labels and parts.
#[derive(Clone)]
pub(crate) struct Study {
    /// The work folder.
    pub workspace: Workspace,
    /// The crops.
    pub table: CropTable,
    /// The part of every crop.
    pub parts: Vec<CellPart>,
    /// The seed that the server derives from every crop's file.
    pub cell_seeds: Vec<u64>,
    /// The trunk.
    pub trunk: TrunkFile,
    /// The trunk's input.
    pub input: Input,
    /// How the labels are grouped.
    pub grouping: ClassGrouping,
    /// Seed of all randomness.
    pub seed: u64,
    /// The fold kept out of a [nested](Self::nested) study as its unseen images.
    outer: Option<usize>,
}

impl Study {
    /// Reads the results of `crop` and `split`.
    ///
    /// # Errors
    /// [`TrainingError::Missing`] if an earlier step was not run.
    pub(crate) fn open(options: &StudyOptions<'_>) -> Result<Self, TrainingError> {
        let workspace = Workspace::open(options.work)?;
        let table = CropTable::read(&workspace)?;
        let grouping = ClassGrouping::with_classes(&table.labels, options.classes)?;
        let parts = read_parts(&workspace, &table)?;
        let cell_seeds = cell_seeds(&workspace, &table)?;
        let trunk = TrunkFile::open(options.trunk)?;
        let input = trunk.input(&table.settings, options.size);
        Ok(Self {
            workspace,
            table,
            parts,
            cell_seeds,
            trunk,
            input,
            grouping,
            seed: options.seed,
            outer: None,
        })
    }

    /// The study of all folds but `outer`, whose cells become the test part. Its models are those
    /// of this study, trained without that fold as well.
    pub(crate) fn nested(&self, outer: usize) -> Self {
        let part = |part: &CellPart| match part {
            CellPart::Fold(fold) if *fold == outer => CellPart::Test,
            other => *other,
        };
        Self {
            parts: self.parts.iter().map(part).collect(),
            outer: Some(outer),
            ..self.clone()
        }
    }

    /// The folds, counted from 0.
    pub(crate) fn folds(&self) -> Vec<usize> {
        let fold = |part: &CellPart| match part {
            CellPart::Fold(fold) => Some(*fold),
            CellPart::Test => None,
        };
        let folds: BTreeSet<usize> = self.parts.iter().filter_map(fold).collect();
        folds.into_iter().collect()
    }

    /// The folds that each model of a study is trained without: each fold in turn, so that every
    /// cell gets an answer from a model that has not seen its image, and no fold, for the bundle's
    /// model.
    pub(crate) fn held_out(&self) -> Vec<HeldOutFolds> {
        let mut held_out = self.each_fold();
        held_out.push(self.no_fold());
        held_out
    }

    /// Each fold in turn.
    pub(crate) fn each_fold(&self) -> Vec<HeldOutFolds> {
        let each = self.folds().into_iter();
        each.map(|fold| HeldOutFolds::of([Some(fold), self.outer].into_iter().flatten()))
            .collect()
    }

    /// No fold of this study, for the bundle's model.
    pub(crate) fn no_fold(&self) -> HeldOutFolds {
        HeldOutFolds::of(self.outer)
    }

    /// Rows of all crops.
    pub(crate) fn every_row(&self) -> Vec<usize> {
        (0..self.parts.len()).collect()
    }

    /// Rows of the crops in the test part; empty without a test part.
    pub(crate) fn test_rows(&self) -> Vec<usize> {
        self.rows_where(|part| part == CellPart::Test)
    }

    /// Rows of the crops in all folds.
    pub(crate) fn fold_rows(&self) -> Vec<usize> {
        self.rows_where(|part| part != CellPart::Test)
    }

    /// Rows of the crops in the held-out folds.
    pub(crate) fn held_out_rows(&self, held_out: &HeldOutFolds) -> Vec<usize> {
        self.rows_where(|part| held_out.hold(part))
    }

    /// Rows to train on while folds are held out: all other folds, never the test part.
    pub(crate) fn training_rows(&self, held_out: &HeldOutFolds) -> Vec<usize> {
        self.rows_where(|part| part != CellPart::Test && !held_out.hold(part))
    }

    fn rows_where(&self, wanted: impl Fn(CellPart) -> bool) -> Vec<usize> {
        let rows = self.parts.iter().enumerate();
        let rows = rows.filter(|(_, part)| wanted(**part));
        rows.map(|(row, _)| row).collect()
    }

    /// The true output of some rows.
    pub(crate) fn labels(&self, rows: &[usize]) -> Vec<usize> {
        rows.iter()
            .map(|row| self.class_of(&self.table.rows[*row].label))
            .collect()
    }

    /// The output of a label. The table holds only labels of its set.
    fn class_of(&self, label: &str) -> usize {
        let label = self.table.labels.index_of(label).unwrap_or_default();
        self.grouping.of_label[label]
    }

    /// Refuses a split of single cells, because guarantees measured on it would not hold for new
    /// images.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] with the name of an image that has cells in two parts.
    pub(crate) fn check_images_apart(&self) -> Result<(), TrainingError> {
        let mut parts: BTreeMap<&str, CellPart> = BTreeMap::new();
        for (row, part) in self.table.rows.iter().zip(&self.parts) {
            let first = *parts.entry(&row.image_id).or_insert(*part);
            if first != *part {
                return Err(TrainingError::Impossible(format!(
                    "cells of image {} are in {first} and in {part}: a guarantee needs whole \
                     images in one part; run `split` without --per-cell",
                    row.image_id
                )));
            }
        }
        Ok(())
    }

    /// The image of each of some rows, by name.
    pub(crate) fn images(&self, rows: &[usize]) -> Vec<&str> {
        rows.iter()
            .map(|row| self.table.rows[*row].image_id.as_str())
            .collect()
    }

    /// The image of each of some rows, as a number; rows of the same image have the same number.
    pub(crate) fn image_numbers(&self, rows: &[usize]) -> Vec<usize> {
        let images = self.images(rows);
        let names: BTreeSet<&str> = images.iter().copied().collect();
        let names: Vec<&str> = names.into_iter().collect();
        let number = |image: &&str| names.partition_point(|name| name < image);
        images.iter().map(number).collect()
    }

    /// Number of different images of some rows.
    pub(crate) fn image_count(&self, rows: &[usize]) -> usize {
        self.images(rows).into_iter().collect::<BTreeSet<_>>().len()
    }

    /// Digest of the features of some rows in some views by this study's trunk.
    ///
    /// # Errors
    /// As [`CacheKey::digest`](crate::cache_key::CacheKey::digest).
    pub(crate) fn features_digest(
        &self,
        rows: &[usize],
        views: &ViewPlan,
    ) -> Result<String, TrainingError> {
        let cells = self.cells(rows);
        let crops = self.workspace.crops();
        features_digest(&self.trunk, &self.request(&crops, &cells, views))
    }

    /// The crops of some rows.
    pub(crate) fn cells(&self, rows: &[usize]) -> Vec<CropRow> {
        rows.iter()
            .map(|row| self.table.rows[*row].clone())
            .collect()
    }

    /// The arguments of [`features`](crate::features).
    pub(crate) fn request<'a>(
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

/// The part of every crop, in the order of the table.
pub(crate) fn read_parts(
    workspace: &Workspace,
    table: &CropTable,
) -> Result<Vec<CellPart>, TrainingError> {
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
            "its cells are not those of crops.csv: run `split` again",
        ));
    }
    Ok(rows.into_iter().map(|row| row.part).collect())
}

fn cell_seeds(workspace: &Workspace, table: &CropTable) -> Result<Vec<u64>, TrainingError> {
    let folder = workspace.crops();
    let seed = |row: &crate::CropRow| Ok(seed_of(&read_bytes(&folder.join(&row.file))?));
    table.rows.iter().map(seed).collect()
}
