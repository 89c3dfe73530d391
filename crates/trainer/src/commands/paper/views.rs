//! `tta_transformations` and `join_tta_tensors`.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use clap::Args;
use serde::{Deserialize, Serialize};

use super::{
    PaperTrunkArgs, PaperWorkArgs, cells::check_label_file, python_range, runs::check_cells_folder,
    say_differences,
};
use crate::{
    CropTable, TrainingError, Workspace,
    augmented::{
        join::{TensorFormat, join_views_into},
        views::{CellViews, write_views_from},
    },
    commands::augment::say_incomplete,
    error::{ensure, impossible},
    session::bar,
    workspace::{read_json, write_json},
};
use bundle::Input;
use imaging::augment::AugmentPolicy;

/// The paper's number of views.
pub(super) const PAPERS_VIEWS: usize = 50;

/// More views than anyone makes; bounds the numbers of views.
const MOST_VIEWS: usize = 10_000;

/// Name of the folder of the joined tensors.
const JOINED: &str = "joined_tensor";

/// `tta_transformations`
#[derive(Clone, Debug, Args)]
pub struct TransformationArgs {
    /// First view of each cell, counted from 1
    #[arg(long = "start_idx", alias = "start-idx", default_value_t = 1)]
    start_idx: usize,
    /// The view after the last, as in Python's range
    #[arg(long = "end_idx", alias = "end-idx", default_value_t = PAPERS_VIEWS + 1)]
    end_idx: usize,
    /// Folder of the crops, as given to `cropping --cell_img_dir`
    #[arg(long = "img_dir", alias = "img-dir", value_name = "DIR")]
    img_dir: Option<PathBuf>,
    /// Label file: a CSV with a column cell_id or path; it is compared with the cells that were cut
    #[arg(long, value_name = "FILE")]
    dataset: Option<PathBuf>,
    /// Folder for the views, a folder of PNGs per cell [default: `augmented` in the work folder]
    #[arg(long = "TTA_path", alias = "tta-path", value_name = "DIR")]
    tta_path: Option<PathBuf>,
    /// With which trunk
    #[command(flatten)]
    trunk: PaperTrunkArgs,
    /// Where
    #[command(flatten)]
    work: PaperWorkArgs,
}

/// `join_tta_tensors`
#[derive(Clone, Debug, Args)]
pub struct JoinArgs {
    /// First cell, counted from 1 in the table of crops
    #[arg(long = "start_idx", alias = "start-idx", default_value_t = 1)]
    start_idx: usize,
    /// The cell after the last, as in Python's range [default: to the end]
    #[arg(long = "end_idx", alias = "end-idx")]
    end_idx: Option<usize>,
    /// Folder of the views, as given to `tta_transformations`; the tensors go to its folder
    /// `joined_tensor`
    #[arg(long = "TTA_path", alias = "tta-path", value_name = "DIR")]
    tta_path: Option<PathBuf>,
    /// How a tensor is written
    #[arg(long, value_enum, default_value = "npy")]
    format: TensorFormat,
    /// With which trunk
    #[command(flatten)]
    trunk: PaperTrunkArgs,
    /// Where
    #[command(flatten)]
    work: PaperWorkArgs,
}

/// What `join_tta_tensors` leaves beside the tensors for `main --model=TTA_model`.
#[derive(Serialize, Deserialize)]
struct JoinedRecord {
    /// Views in each tensor.
    views: usize,
}

/// The crops of the work folder, and how their views are made.
struct ViewMaker {
    workspace: Workspace,
    table: CropTable,
    input: Input,
    policy: AugmentPolicy,
}

impl ViewMaker {
    fn open(
        work: &PaperWorkArgs,
        trunk: &PaperTrunkArgs,
        tta_path: Option<&Path>,
    ) -> Result<Self, TrainingError> {
        let workspace = work.open()?;
        let table = CropTable::read(&workspace)?;
        let input = trunk.open()?.input(&table.settings, trunk.size);
        let workspace = match tta_path {
            Some(folder) => workspace.with_augmented(folder),
            None => workspace,
        };
        Ok(Self {
            workspace,
            table,
            input,
            policy: AugmentPolicy::paper(),
        })
    }

    fn views<'a>(&'a self, rows: &'a Range<usize>, count: usize) -> CellViews<'a> {
        CellViews {
            workspace: &self.workspace,
            table: &self.table,
            rows,
            input: &self.input,
            policy: &self.policy,
            count,
        }
    }
}

/// Writes the views of a range of numbers, of every cell.
///
/// # Errors
/// An empty range; a folder of other cells; a file that cannot be written.
pub(super) fn write(args: &TransformationArgs) -> Result<(), TrainingError> {
    let numbers = python_range(args.start_idx, args.end_idx)?;
    ensure!(
        numbers.end <= MOST_VIEWS,
        "--end_idx={} is too large: views are numbered up to {MOST_VIEWS}",
        args.end_idx
    );
    let maker = ViewMaker::open(&args.work, &args.trunk, args.tta_path.as_deref())?;
    check_cells_folder(&maker.workspace, args.img_dir.as_deref())?;
    if let Some(labels) = &args.dataset {
        check_label_file(labels, &maker.table)?;
    }
    let rows = 0..maker.table.rows.len();
    let bar = bar("augmented views");
    let written = write_views_from(&maker.views(&rows, numbers.end), numbers.start, &bar)?;
    bar.finish_and_clear();
    println!(
        "tta_transformations: views {} to {} of {} cells, {} px; {} made, {} kept, in {}",
        numbers.start + 1,
        numbers.end,
        rows.len(),
        maker.input.size,
        written.made,
        written.kept,
        maker.workspace.augmented().display()
    );
    println!("work folder: {}", args.work.work.display());
    say_differences(&[
        format!(
            "view 1 of a cell is CELL/view_00.png in that folder, in place of 1/CELL.pt; the views are as large as the trunk {} \
             wants them",
            args.trunk.trunk.display()
        ),
        "a view depends on the cell and its number alone: a repeated or divided run makes the same pixels".to_owned(),
        "a crop that is larger than the cell's picture is padded; torchvision draws again until it fits".to_owned(),
    ]);
    Ok(())
}

/// Joins the views of a range of cells.
///
/// # Errors
/// An empty range; no cell with all of its views.
pub(super) fn join(args: &JoinArgs) -> Result<(), TrainingError> {
    let maker = ViewMaker::open(&args.work, &args.trunk, args.tta_path.as_deref())?;
    let end = args.end_idx.unwrap_or(maker.table.rows.len() + 1);
    let rows = python_range(args.start_idx, end)?;
    let every = maker.views(&rows, MOST_VIEWS);
    let cells = every.cells()?;
    let of_first = cells.first().map(|cell| every.present(cell));
    let last = of_first.and_then(|numbers| numbers.last().copied());
    let count = last.map(|last| last + 1).ok_or_else(|| {
        impossible!(
            "{} has no views of cell {} for this trunk: run `secondlook-train tta_transformations` with the same --TTA_path, \
             --trunk and --work first",
            maker.workspace.augmented().display(),
            cells.first().map_or("", |cell| cell.cell_id.as_str())
        )
    })?;
    let folder = maker.workspace.augmented().join(JOINED);
    fs::create_dir_all(&folder).map_err(TrainingError::write(&folder))?;
    let bar = bar("tensors");
    let incomplete = join_views_into(&folder, &maker.views(&rows, count), args.format, &bar)?;
    bar.finish_and_clear();
    let joined = cells.len() - incomplete.len();
    let size = maker.input.size;
    println!(
        "join_tta_tensors: {joined} tensors [{count}, 3, {size}, {size}] of {} cells, in {}",
        maker.table.rows.len(),
        folder.display()
    );
    println!("work folder: {}", args.work.work.display());
    if !incomplete.is_empty() {
        let said = say_incomplete(&incomplete, count);
        ensure!(
            joined > 0,
            "{said}; run `secondlook-train tta_transformations --start_idx=1 --end_idx={}` first",
            count + 1
        );
        eprintln!("warning: {said}");
    }
    write_json(&folder.join("joined.json"), &JoinedRecord { views: count })?;
    say_differences(&[
        "a tensor is a .npy or .safetensors file of 32-bit floats, normalised for the trunk, in place of a .pt file".to_owned(),
        "cells are counted from 1 in the order of the table, as the README does; the script's slice begins after the first file"
            .to_owned(),
        format!(
            "a tensor has as many views as the first cell ({count}); the script always reads {PAPERS_VIEWS}"
        ),
    ]);
    Ok(())
}

/// How many views the tensors in a folder have; none when the folder has no joined tensors.
pub(super) fn joined_views(folder: &Path) -> Option<usize> {
    let record: JoinedRecord = read_json(&folder.join("joined.json")).ok()?;
    Some(record.views)
}
