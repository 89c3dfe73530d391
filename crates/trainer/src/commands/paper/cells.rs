//! `cropping` and `train_val_test_split`.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Deserialize;

use super::{PaperWorkArgs, say_differences};
use crate::{
    CropTable, TrainingError,
    cli::{CutArgs, DivisionArgs, PaddingName, WorkArgs},
    commands::cells,
    data::layouts::identifier,
    error::ensure,
    workspace::read_csv,
};

/// Width of the fields in the copies of CRIC that are scaled down; the originals are 1376 to 1388
/// px wide.
const SCALED_WIDTH: u32 = 1280;

/// `cropping`
#[derive(Clone, Debug, Args)]
pub struct CroppingArgs {
    /// Table of the cells: a CSV with CRIC's columns, or with the columns path and label
    #[arg(long, value_name = "FILE")]
    dataset: PathBuf,
    /// Folder of the field images [default: `fields` beside a table with CRIC's columns, else the
    /// table's folder]
    #[arg(long = "img_dir", alias = "img-dir", value_name = "DIR")]
    img_dir: Option<PathBuf>,
    /// Folder for the crops, one PNG per cell [default: `crops` in the work folder]
    #[arg(long = "cell_img_dir", alias = "cell-img-dir", value_name = "DIR")]
    cell_img_dir: Option<PathBuf>,
    /// Edge of the crops in pixels of the fields
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=4096))]
    edge: u32,
    /// Continue without the cells that cannot be used, instead of stopping at the first one
    #[arg(long)]
    leave_out: bool,
    /// Where
    #[command(flatten)]
    work: PaperWorkArgs,
}

/// `train_val_test_split`
#[derive(Clone, Debug, Args)]
pub struct LabelSplitArgs {
    /// Label file: a CSV with a column cell_id or path; it is compared with the cells that were cut
    #[arg(long, value_name = "FILE")]
    dataset: Option<PathBuf>,
    /// Share of the cells in the test part
    #[arg(long, default_value_t = 0.1, value_name = "SHARE")]
    split: f64,
    /// Number of folds
    #[arg(long, default_value_t = 5)]
    folds: usize,
    /// Divide single cells, as the paper does, instead of whole images; figures are then too good
    #[arg(long)]
    per_cell: bool,
    /// Seed of the division
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where
    #[command(flatten)]
    work: PaperWorkArgs,
}

/// Cuts the cells into `--cell_img_dir`.
///
/// # Errors
/// A data set that cannot be read, or a cell that cannot be used.
pub(super) fn crop(args: &CroppingArgs) -> Result<(), TrainingError> {
    let workspace = args.work.open()?;
    let folder = args.cell_img_dir.clone();
    let folder = folder.unwrap_or_else(|| args.work.work.join("crops"));
    workspace.keep_crops_in(&folder)?;
    let cut = CutArgs {
        data: args.dataset.clone(),
        img_dir: args.img_dir.clone(),
        layout: None,
        labels: None,
        leave_out: args.leave_out,
        edge: args.edge,
        padding: PaddingName::Zero,
    };
    cells::crop(&cut, &args.work.work)?;
    println!("work folder: {}", args.work.work.display());
    let mut differences = vec![
        "it also writes the table of the crops, their labels and their digests to the work folder"
            .to_owned(),
        "a cell that cannot be used stops the command; --leave-out continues without it".to_owned(),
    ];
    let width = CropTable::read(&workspace)?.settings.source_width_px;
    if width == Some(SCALED_WIDTH) && args.edge == 100 {
        differences.push(
            "these fields are 1280 px wide, CRIC's originals 1376 to 1388 px: 100 px show 8% more of the field than the \
             paper's crops; --edge=93 shows as much as they do"
                .to_owned(),
        );
    }
    say_differences(&differences);
    Ok(())
}

/// Divides the cells of the work folder.
///
/// # Errors
/// [`TrainingError::Missing`] before `cropping`; a label file of other cells; a division that is
/// impossible.
pub(super) fn split(args: &LabelSplitArgs) -> Result<(), TrainingError> {
    let table = CropTable::read(&args.work.open()?)?;
    if let Some(labels) = &args.dataset {
        check_label_file(labels, &table)?;
    }
    let division = DivisionArgs {
        folds: args.folds,
        test_share: args.split,
        per_cell: args.per_cell,
    };
    let work = WorkArgs {
        work: args.work.work.clone(),
        seed: args.seed,
    };
    cells::divide(&division, &work)?;
    let mut differences = vec![
        "one table, split.csv, holds the part of every cell, in place of the files in Train_Val_split and Test".to_owned(),
        "the labels are those of the table given to `cropping`; --num_classes of `main` groups them".to_owned(),
    ];
    if !args.per_cell {
        differences.push(
            "cells of one image stay in one part, because they share stain, focus and pixels; --per-cell divides them as the \
             paper does"
                .to_owned(),
        );
    }
    say_differences(&differences);
    Ok(())
}

/// A row of a label file. CRIC's table has `cell_id`, the paper's label files have `path`.
#[derive(Deserialize)]
struct ListedCell {
    cell_id: Option<String>,
    path: Option<String>,
}

impl ListedCell {
    /// The cell that the row may stand for: its identifier, the name of its file, or the identifier
    /// that `cropping` makes of a path.
    fn names(&self) -> impl Iterator<Item = String> {
        let path = self.path.as_deref();
        let stem = path.and_then(|path| Path::new(path).file_stem());
        let stem = stem.map(|stem| stem.to_string_lossy().into_owned());
        let own = self.cell_id.clone().into_iter();
        own.chain(stem).chain(path.map(identifier))
    }
}

/// Refuses a label file that does not name every cell that was cut.
///
/// # Errors
/// A file that cannot be read; [`TrainingError::Impossible`] with the first cell that it lacks.
pub(super) fn check_label_file(path: &Path, table: &CropTable) -> Result<(), TrainingError> {
    let rows: Vec<ListedCell> = read_csv(path)?;
    let named: BTreeSet<String> = rows.iter().flat_map(ListedCell::names).collect();
    let mut missing = table.rows.iter().map(|row| &row.cell_id);
    let missing = missing.find(|cell| !named.contains(*cell));
    ensure!(
        missing.is_none(),
        "{} does not name cell {}, which `cropping` has cut: give the table that `cropping` was given, or a CSV with a column \
         cell_id or path that names every crop",
        path.display(),
        missing.map_or("", String::as_str)
    );
    Ok(())
}
