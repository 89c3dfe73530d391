//! The command line of `secondlook-train`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{bundle::Method, imaging::Padding};

/// Train a bundle: crop → split → train → export → evaluate, or all of it with `model`.
#[derive(Debug, Parser)]
#[command(name = "secondlook-train", version, about, long_about = None)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The steps. Each leaves its result in the work folder for the next.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Cut every cell out of its field, into PNGs and their table
    Crop(CropArgs),
    /// Divide the cells into a test part and folds, whole images together
    Split(SplitArgs),
    /// Train the heads of one method on cached trunk features, once for each held-out fold
    Train(TrainArgs),
    /// Train trunk and heads together with one fold held out, and measure on that fold
    Finetune(FinetuneArgs),
    /// Write a bundle: trunk, heads, calibration and manifest
    Export(BundleArgs),
    /// Measure the trained heads out of fold and on the test part, and write the model card
    Evaluate(BundleArgs),
    /// Everything, resumed where it was interrupted
    Model(ModelArgs),
}

/// Where results are kept, and the seed.
#[derive(Clone, Debug, Args)]
pub struct WorkArgs {
    /// Folder for crops, split, features and heads
    #[arg(long, default_value = "work/cric", value_name = "DIR")]
    pub work: PathBuf,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// How to cut.
#[derive(Clone, Debug, Args)]
pub struct CutArgs {
    /// Folder with classifications.csv and fields/, as the CRIC collection has them
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Edge of the crops in pixels of the fields: 93 px in fields of 1280 px are the 100 px that the paper cuts from
    /// the originals of 1376 px
    #[arg(long, default_value_t = 93, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub edge: u32,
    /// What stands for pixels outside the field
    #[arg(long, value_enum, default_value = "reflect")]
    pub padding: PaddingName,
}

/// The paddings by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PaddingName {
    /// Mirror the field at its border
    Reflect,
    /// Black, as in the paper
    Zero,
}

impl From<PaddingName> for Padding {
    fn from(name: PaddingName) -> Self {
        match name {
            PaddingName::Reflect => Self::Reflect,
            PaddingName::Zero => Self::Zero,
        }
    }
}

/// `crop`
#[derive(Clone, Debug, Args)]
pub struct CropArgs {
    /// What to cut
    #[command(flatten)]
    pub cut: CutArgs,
    /// Folder for crops, split, features and heads
    #[arg(long, default_value = "work/cric", value_name = "DIR")]
    pub work: PathBuf,
}

/// How to divide.
#[derive(Clone, Copy, Debug, Args)]
pub struct DivisionArgs {
    /// Number of folds
    #[arg(long, default_value_t = 5)]
    pub folds: usize,
    /// Share of the cells that are only ever evaluated
    #[arg(long, default_value_t = 0.1)]
    pub test_share: f64,
    /// Divide single cells rather than whole images, as the paper does; leaks, and says so
    #[arg(long)]
    pub per_cell: bool,
}

/// `split`
#[derive(Clone, Debug, Args)]
pub struct SplitArgs {
    /// How to divide
    #[command(flatten)]
    pub division: DivisionArgs,
    /// Where
    #[command(flatten)]
    pub work: WorkArgs,
}

/// What the heads are trained on.
#[derive(Clone, Debug, Args)]
pub struct HeadArgs {
    /// Trunk: image → features, as ONNX
    #[arg(long, value_name = "FILE")]
    pub trunk: PathBuf,
    /// 6 Bethesda classes; 3: normal, low grade, high grade; 2: normal, abnormal
    #[arg(long, default_value_t = 6, value_name = "2|3|6")]
    pub num_classes: usize,
    /// Where
    #[command(flatten)]
    pub work: WorkArgs,
}

/// `train`
#[derive(Clone, Debug, Args)]
pub struct TrainArgs {
    /// baseline, mc_dropout or ensemble
    #[arg(long)]
    pub method: Method,
    /// On what
    #[command(flatten)]
    pub heads: HeadArgs,
}

/// `finetune`
#[derive(Clone, Debug, Args)]
pub struct FinetuneArgs {
    /// Folder of the data set that was cropped
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The fold that is held out
    #[arg(long, default_value_t = 0)]
    pub fold: usize,
    /// Blocks of the trunk, of 16, that stay as they are; with 0 the stem is trained too
    #[arg(long, default_value_t = 5)]
    pub frozen: usize,
    /// Edge of the trunk's input in pixels, a multiple of 32
    #[arg(long, default_value_t = 128)]
    pub size: u32,
    /// Passes over the cells
    #[arg(long, default_value_t = 8)]
    pub epochs: usize,
    /// Settings as JSON instead of those above, as `recipe.json` of an earlier run has them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["frozen", "size", "epochs"])]
    pub recipe: Option<PathBuf>,
    /// On what
    #[command(flatten)]
    pub heads: HeadArgs,
}

/// `export` and `evaluate`
#[derive(Clone, Debug, Args)]
pub struct BundleArgs {
    /// Folder of the bundle; its last part is the bundle's name
    #[arg(long, default_value = "models/cric-lite0", value_name = "DIR")]
    pub out: PathBuf,
    /// Of what
    #[command(flatten)]
    pub heads: HeadArgs,
}

/// `model`
#[derive(Clone, Debug, Args)]
pub struct ModelArgs {
    /// What to cut
    #[command(flatten)]
    pub cut: CutArgs,
    /// How to divide
    #[command(flatten)]
    pub division: DivisionArgs,
    /// What to train and where to write it
    #[command(flatten)]
    pub bundle: BundleArgs,
}
