//! The scripts of Ojha & Narendra (MIDL 2024) as commands: the names and options of theirs,
//! translated into the steps of this trainer.
//!
//! Every command shares one work folder. It holds the table of the crops, the split, the trained
//! heads and a record of each `main` run, which `paper-report` reads.

mod cells;
mod report;
mod runs;
mod views;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use self::{
    cells::{CroppingArgs, LabelSplitArgs},
    report::PaperReportArgs,
    runs::MainArgs,
    views::{JoinArgs, TransformationArgs},
};
use crate::{
    TrainingError, TrunkFile, Workspace,
    error::{ensure, impossible},
};

/// The paper's scripts. Help lists the report alone; the text after the help names the others.
#[derive(Clone, Debug, Subcommand)]
pub enum PaperCommand {
    /// The paper's Cropping.py: cut a square around each nucleus, 100 px wide, black outside the
    /// field
    #[command(name = "cropping", alias = "Cropping", hide = true)]
    Cropping(CroppingArgs),
    /// The paper's Train_val_test_split.py: divide the cells into a test part and folds
    #[command(
        name = "train_val_test_split",
        alias = "Train_val_test_split",
        hide = true
    )]
    TrainValTestSplit(LabelSplitArgs),
    /// The paper's main.py: train one model on every fold and measure it
    #[command(name = "main", hide = true)]
    Main(MainArgs),
    /// The paper's TTA_transformations.py: write augmented views of each cell
    #[command(
        name = "tta_transformations",
        alias = "TTA_transformations",
        hide = true
    )]
    Transformations(TransformationArgs),
    /// The paper's join_TTA_tensors.py: join the views of each cell to one tensor
    #[command(name = "join_tta_tensors", alias = "join_TTA_tensors", hide = true)]
    Join(JoinArgs),
    /// The paper's table and its three figures for each model that `main` has trained
    #[command(name = "paper-report")]
    Report(PaperReportArgs),
}

/// Where the commands leave their results for each other.
#[derive(Clone, Debug, Args)]
pub(crate) struct PaperWorkArgs {
    /// Folder for the results that these commands share
    #[arg(long, default_value = "work/paper", value_name = "DIR")]
    pub work: PathBuf,
}

/// The trunk of the paper's models.
#[derive(Clone, Debug, Args)]
pub(crate) struct PaperTrunkArgs {
    /// Trunk (image → features) as ONNX; `trunk import` makes one of a ResNet50
    #[arg(
        long,
        default_value = "weights/efficientnet_lite0.onnx",
        value_name = "FILE"
    )]
    pub trunk: PathBuf,
    /// Edge of the images shown to the trunk, in pixels [default: the trunk's own]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub size: Option<u32>,
}

/// Runs one of the commands.
///
/// # Errors
/// What the steps say, with the paper's names of the commands to run first.
pub(super) fn run(command: &PaperCommand, revision: &'static str) -> Result<(), TrainingError> {
    let done = match command {
        PaperCommand::Cropping(args) => cells::crop(args),
        PaperCommand::TrainValTestSplit(args) => cells::split(args),
        PaperCommand::Main(args) => runs::run(args, revision),
        PaperCommand::Transformations(args) => views::write(args),
        PaperCommand::Join(args) => views::join(args),
        PaperCommand::Report(args) => report::run(args, revision),
    };
    done.map_err(in_the_papers_names)
}

/// Names the paper's command where an error asks for one of ours.
fn in_the_papers_names(error: TrainingError) -> TrainingError {
    match error {
        TrainingError::Missing { what, command } => {
            let command = match command.as_str() {
                "crop" => "cropping --dataset=FILE --img_dir=DIR --cell_img_dir=DIR",
                "split" => "train_val_test_split --dataset=FILE",
                other => other,
            };
            TrainingError::Missing {
                what,
                command: command.to_owned(),
            }
        }
        other => other,
    }
}

impl PaperWorkArgs {
    fn open(&self) -> Result<Workspace, TrainingError> {
        Workspace::open(&self.work)
    }
}

impl PaperTrunkArgs {
    fn open(&self) -> Result<TrunkFile, TrainingError> {
        ensure!(
            self.trunk.is_file(),
            "there is no trunk at {}: name one with --trunk=FILE, for example a ResNet50 that `secondlook-train trunk import` \
             has cut",
            self.trunk.display()
        );
        TrunkFile::open(&self.trunk)
    }
}

/// A range as the paper's scripts take it: numbers from 1, of which the last is not part, as in
/// Python's `range`. Returns it counted from 0.
fn python_range(start: usize, end: usize) -> Result<std::ops::Range<usize>, TrainingError> {
    let range = start.max(1)..end;
    if range.is_empty() {
        return Err(impossible!(
            "--start_idx={start} --end_idx={end} is an empty range: numbers start at 1 and --end_idx is not part of it, so that 1 and \
             51 mean 1 to 50"
        ));
    }
    Ok(range.start - 1..range.end - 1)
}

/// Says on stdout what a command does otherwise than the paper's script.
fn say_differences(differences: &[String]) {
    println!("different from the paper's script:");
    for difference in differences {
        println!("- {difference}");
    }
}
