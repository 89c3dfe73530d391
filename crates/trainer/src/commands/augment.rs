//! `augment`.

use std::path::PathBuf;

use clap::Args;

use crate::{
    CropTable, TrainingError, TrunkFile, Workspace,
    augmented::{
        join::{Incomplete, TensorFormat, join_views},
        views::{CellViews, write_views},
    },
    data::views::policy_named,
    session::bar,
};

/// How many incomplete cells a warning names; it counts the rest.
const NAMED: usize = 10;

/// `augment`
#[derive(Clone, Debug, Args)]
pub struct AugmentArgs {
    /// Trunk (image → features) as ONNX; the views have the size of its input
    #[arg(long, value_name = "FILE")]
    pub trunk: PathBuf,
    /// Edge of the views in pixels [default: the trunk's own]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub size: Option<u32>,
    /// Work folder; the views go to its folder `augmented`
    #[arg(long, default_value = "work/cric", value_name = "DIR")]
    pub work: PathBuf,
    /// Views of each cell
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub views: u16,
    /// First cell, counted from 0 in the table of crops
    #[arg(long, alias = "start_idx", default_value_t = 0)]
    pub start_idx: usize,
    /// The cell after the last [default: to the end]
    #[arg(long, alias = "end_idx")]
    pub end_idx: Option<usize>,
    /// How views are made: paper, cells, dihedral, or a TOML file with the keys of a bundle's
    /// methods.tta.policy
    #[arg(long, default_value = "paper", value_name = "NAME|FILE")]
    pub policy: String,
    /// Join the views on disk to one tensor per cell, [views, 3, size, size], normalised for the
    /// trunk
    #[arg(long)]
    pub join: bool,
    /// Format of the tensors
    #[arg(long, value_enum, default_value = "npy", requires = "join")]
    pub format: TensorFormat,
}

/// Writes the views or joins them, and prints how many.
///
/// # Errors
/// An empty range of cells, a trunk that cannot be read, or a file that cannot be written.
pub(crate) fn run(args: &AugmentArgs) -> Result<(), TrainingError> {
    let workspace = Workspace::open(&args.work)?;
    let table = CropTable::read(&workspace)?;
    let input = TrunkFile::open(&args.trunk)?.input(&table.settings, args.size);
    let views = CellViews {
        workspace: &workspace,
        table: &table,
        rows: &(args.start_idx..args.end_idx.unwrap_or(usize::MAX)),
        input: &input,
        policy: &policy_named(&args.policy)?,
        count: usize::from(args.views),
    };
    if args.join {
        return join(&views, args.format);
    }
    let bar = bar("augmented views");
    let written = write_views(&views, &bar)?;
    bar.finish_and_clear();
    println!(
        "augment: {} cells, {} views made, {} kept, in {}",
        views.cells()?.len(),
        written.made,
        written.kept,
        workspace.augmented().display()
    );
    Ok(())
}

fn join(views: &CellViews<'_>, format: TensorFormat) -> Result<(), TrainingError> {
    let bar = bar("tensors");
    let incomplete = join_views(views, format, &bar)?;
    bar.finish_and_clear();
    let cells = views.cells()?.len();
    let said = say_incomplete(&incomplete, views.count);
    if incomplete.len() == cells {
        return Err(TrainingError::Impossible(format!(
            "{said}; run `augment` with the same options and without --join first"
        )));
    }
    println!(
        "augment: {} tensors in {}",
        cells - incomplete.len(),
        views.workspace.augmented().display()
    );
    if !incomplete.is_empty() {
        eprintln!("warning: {said}");
    }
    Ok(())
}

pub(super) fn say_incomplete(incomplete: &[Incomplete], count: usize) -> String {
    let of = |cell: &Incomplete| format!("{} ({} of {count})", cell.cell_id, cell.present);
    let named: Vec<String> = incomplete.iter().take(NAMED).map(of).collect();
    let more = match incomplete.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("views are missing for cells {}{more}", named.join(", "))
}
