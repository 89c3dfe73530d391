//! Everything that training, export and evaluation share: the cells, their labels and their parts.

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

/// What a study is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StudyOptions<'a> {
    /// The work folder.
    pub work: &'a Path,
    /// The trunk's ONNX file.
    pub trunk: &'a Path,
    /// Edge of the images shown to the trunk; the trunk's own when not given.
    pub size: Option<u32>,
    /// How many classes the labels are grouped into; as many as there are labels when not given.
    pub classes: Option<usize>,
    /// Seed of everything random.
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
    /// What the trunk wants to see.
    pub input: Input,
    /// How the labels are grouped.
    pub grouping: ClassGrouping,
    /// Seed of everything random.
    pub seed: u64,
    /// The fold that stands for unseen images in a [nested](Self::nested) study.
    outer: Option<usize>,
}

impl Study {
    /// Reads what `crop` and `split` wrote.
    ///
    /// # Errors
    /// [`TrainingError::Missing`] when an earlier step was not run.
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

    /// The study of the other folds, in which the cells of `outer` are the test part: its models are this study's, trained without
    /// that fold as well.
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

    /// What the models of a study have not learnt from: each fold in turn, so that every cell is answered by a model that has
    /// not seen its image, and no fold, for the model of the bundle.
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

    /// No fold of this study: what the model of the bundle has not learnt from.
    pub(crate) fn no_fold(&self) -> HeldOutFolds {
        HeldOutFolds::of(self.outer)
    }

    /// Rows of all crops.
    pub(crate) fn every_row(&self) -> Vec<usize> {
        (0..self.parts.len()).collect()
    }

    /// Rows of the crops in the test part; none where there is no such part.
    pub(crate) fn test_rows(&self) -> Vec<usize> {
        self.rows_where(|part| part == CellPart::Test)
    }

    /// Rows of the crops in all folds.
    pub(crate) fn fold_rows(&self) -> Vec<usize> {
        self.rows_where(|part| part != CellPart::Test)
    }

    /// Rows of the crops in the folds that are held out.
    pub(crate) fn held_out_rows(&self, held_out: &HeldOutFolds) -> Vec<usize> {
        self.rows_where(|part| held_out.hold(part))
    }

    /// Rows to learn from when folds are held out: every other fold, never the test part.
    pub(crate) fn training_rows(&self, held_out: &HeldOutFolds) -> Vec<usize> {
        self.rows_where(|part| part != CellPart::Test && !held_out.hold(part))
    }

    fn rows_where(&self, wanted: impl Fn(CellPart) -> bool) -> Vec<usize> {
        let rows = self.parts.iter().enumerate();
        let rows = rows.filter(|(_, part)| wanted(**part));
        rows.map(|(row, _)| row).collect()
    }

    /// The outputs that are right for some rows.
    pub(crate) fn labels(&self, rows: &[usize]) -> Vec<usize> {
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
    pub(crate) fn check_images_apart(&self) -> Result<(), TrainingError> {
        let mut parts: BTreeMap<&str, CellPart> = BTreeMap::new();
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
    pub(crate) fn images(&self, rows: &[usize]) -> Vec<&str> {
        rows.iter()
            .map(|row| self.table.rows[*row].image_id.as_str())
            .collect()
    }

    /// The images that some rows come from, as numbers: one per row, the same for the same image.
    pub(crate) fn image_numbers(&self, rows: &[usize]) -> Vec<usize> {
        let images = self.images(rows);
        let names: BTreeSet<&str> = images.iter().copied().collect();
        let names: Vec<&str> = names.into_iter().collect();
        let number = |image: &&str| names.partition_point(|name| name < image);
        images.iter().map(number).collect()
    }

    /// Number of different images among some rows.
    pub(crate) fn image_count(&self, rows: &[usize]) -> usize {
        self.images(rows).into_iter().collect::<BTreeSet<_>>().len()
    }

    /// Digest of the features that some rows have in some views by this study's trunk.
    ///
    /// # Errors
    /// None that a request of ours gives a reason for.
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

    /// What [`features`](crate::features) is asked for.
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

/// The part of every crop, in their order.
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
