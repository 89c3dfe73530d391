//! `crop` and `split`.

use std::path::Path;

use crate::{
    CellPart, CropOptions, CropTable, Dataset, LeftOut, SplitOptions, SplitRow, TrainingError,
    Workspace,
    cli::{CutArgs, DivisionArgs, WorkArgs},
    crop_dataset,
    session::bar,
    split,
    workspace::{read_csv, write_csv},
};

/// Cuts a square around every nucleus.
///
/// # Errors
/// A data set that cannot be read, or a cell that cannot be used.
pub(super) fn crop(args: &CutArgs, work: &Path) -> Result<(), TrainingError> {
    let workspace = Workspace::open(work)?;
    let dataset = Dataset::open_with_images(
        &args.data,
        args.img_dir.as_deref(),
        args.layout,
        args.labels.as_deref(),
    )?;
    let options = CropOptions {
        edge: args.edge,
        padding: args.padding.into(),
        leave_out: args.leave_out,
    };
    let bar = bar("crops");
    let outcome = crop_dataset(&dataset, &workspace, &options, &bar)?;
    bar.finish_and_clear();
    println!(
        "crops: {} of {} px in {}",
        outcome.table.rows.len(),
        outcome.table.settings.edge,
        workspace.crops().display()
    );
    say_left_out(&outcome.left_out, args.leave_out, &workspace.left_out())
}

fn say_left_out(left_out: &[LeftOut], accepted: bool, list: &Path) -> Result<(), TrainingError> {
    let Some(first) = left_out.first() else {
        return Ok(());
    };
    let said = format!(
        "{} cells cannot be used. First: {}: {}. List: {}",
        left_out.len(),
        first.origin,
        first.reason,
        list.display()
    );
    if accepted {
        eprintln!("warning: {said}");
        return Ok(());
    }
    Err(TrainingError::Impossible(format!(
        "{said}. Correct them, or continue without them with --leave-out"
    )))
}

/// Divides the cells into folds and, with --test-share, a test part.
///
/// # Errors
/// [`TrainingError::Missing`] before `crop`; a division that is impossible.
pub(super) fn divide(args: &DivisionArgs, work: &WorkArgs) -> Result<(), TrainingError> {
    divide_from(args, work, None)
}

/// Draws the same number of folds for another seed. The test part of the folder `own` is kept.
///
/// # Errors
/// [`TrainingError::Missing`] before `crop`, or before `own` was divided; a division that is
/// impossible.
pub(super) fn divide_again(
    args: &DivisionArgs,
    work: &WorkArgs,
    own: &Workspace,
) -> Result<(), TrainingError> {
    let before: Vec<SplitRow> = read_csv(&own.split())?;
    let folds = before.iter().filter_map(|row| match row.part {
        CellPart::Fold(fold) => Some(fold + 1),
        _ => None,
    });
    let args = DivisionArgs {
        folds: folds.max().unwrap_or(args.folds),
        ..*args
    };
    divide_from(&args, work, Some(&before))
}

fn divide_from(
    args: &DivisionArgs,
    work: &WorkArgs,
    before: Option<&[SplitRow]>,
) -> Result<(), TrainingError> {
    let workspace = Workspace::open(&work.work)?;
    let table = CropTable::read(&workspace)?;
    let options = SplitOptions {
        folds: args.folds,
        test_share: args.test_share,
        per_cell: args.per_cell,
        seed: work.seed,
    };
    let division = split(&table.rows, &table.labels, &options, before)?;
    write_csv(&workspace.split(), &division.rows)?;
    let test = division.rows.iter().any(|row| row.part == CellPart::Test);
    println!(
        "split: {} folds{}, seed {}, in {}",
        args.folds,
        if test { " and a test part" } else { "" },
        work.seed,
        workspace.split().display()
    );
    for warning in &division.warnings {
        eprintln!("warning: {warning}");
    }
    Ok(())
}
