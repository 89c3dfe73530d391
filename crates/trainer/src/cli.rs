//! The command line of `secondlook-train`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    commands::{augment::AugmentArgs, paper::PaperCommand, trunk::TrunkCommand},
    data::DataLayout,
    export::About,
    fit::{
        fine_tuned::recipe::TuningArgs,
        frozen::presets::{RecipeArgs, method},
    },
    report::unlike::PictureSet,
};
use bundle::Method;
use imaging::Padding;
use uncertainty::risk_control::UNSEEN_MISTAKEN;

/// Train a model bundle from cell images.
///
/// `model` runs every step. The steps alone are `crop`, `split`, `finetune` (or `train`), `export`
/// and `evaluate`.
#[derive(Debug, Parser)]
#[command(
    name = "secondlook-train",
    version,
    after_help = "The scripts of Ojha & Narendra (MIDL 2024) are commands too: cropping, train_val_test_split, main, \
                  tta_transformations, join_tta_tensors and paper-report. docs/FROM_THE_PAPER.md describes them."
)]
pub struct Cli {
    /// The step to run
    #[command(subcommand)]
    pub command: TrainCommand,
}

/// The steps. Each writes its result to the work folder, where the next one reads it.
#[derive(Debug, Subcommand)]
pub enum TrainCommand {
    /// Cut a square around each nucleus; writes one PNG per cell and a table of them
    Crop(CropArgs),
    /// Divide the images into folds and, with --test-share, a test part
    Split(SplitArgs),
    /// Train the heads of one method on the features of a frozen trunk: one model without each
    /// fold, and one on all folds
    Train(TrainArgs),
    /// Train trunk and heads together: one model without each fold, and one on all folds
    Finetune(FinetuneArgs),
    /// Calibrate on the answers to held-out folds and write the bundle
    Export(BundleArgs),
    /// Measure the models on held-out folds and on the test part, if any; write the report and the
    /// model card
    Evaluate(BundleArgs),
    /// Train and measure every fold for each of several seeds and print one table; the test part is
    /// not used
    CrossValidate(CrossValidateArgs),
    /// Draw calibration images many times and count how often each referral policy breaks its
    /// promise
    ExperimentGuarantee(GuaranteeArgs),
    /// Calibrate and train without each fold in turn and measure the result on that fold
    Nested(NestedArgs),
    /// Run every step; an interrupted run continues where it stopped
    Model(ModelArgs),
    /// Write augmented views of each cell as PNGs, or join them to one tensor per cell
    Augment(AugmentArgs),
    /// Prepare a trunk of your own
    #[command(subcommand)]
    Trunk(TrunkCommand),
    /// The paper's scripts
    #[command(flatten)]
    Paper(PaperCommand),
}

/// The work folder and the seed.
#[derive(Clone, Debug, Args)]
pub struct WorkArgs {
    /// Work folder: crops, split, features and heads
    #[arg(long, default_value = "work/cric", value_name = "DIR")]
    pub work: PathBuf,
    /// Seed of every random choice
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Data set and crops.
#[derive(Clone, Debug, Args)]
pub struct CutArgs {
    /// Data set: a folder with classifications.csv and fields/ (as in the CRIC collection), a
    /// folder with one folder per class, or a CSV with CRIC's columns or the columns path and label
    #[arg(long, alias = "dataset", value_name = "DIR|CSV")]
    pub data: PathBuf,
    /// Folder of the images that a CSV names [default: the CSV's folder; with CRIC's columns,
    /// fields/ in it]
    #[arg(long, alias = "img_dir", value_name = "DIR")]
    pub img_dir: Option<PathBuf>,
    /// Layout of the data set [default: recognised]
    #[arg(long, value_enum)]
    pub layout: Option<DataLayout>,
    /// Labels: bethesda, herlev, sipakmed, or a TOML file that describes others [default:
    /// recognised]
    #[arg(long, value_name = "NAME|FILE")]
    pub labels: Option<String>,
    /// Continue without the cells that cannot be used, instead of stopping at the first one
    #[arg(long)]
    pub leave_out: bool,
    /// Edge of the crops in pixels of the fields; 93 px of a field that is 1280 px wide equal 100
    /// px of CRIC's originals
    #[arg(long, default_value_t = 93, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub edge: u32,
    /// How pixels outside the field are filled
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
    /// Data set and crops
    #[command(flatten)]
    pub cut: CutArgs,
    /// Work folder; the crops go to its folder `crops`
    #[arg(long, aliases = ["cell_img_dir", "cell-img-dir"], default_value = "work/cric", value_name = "DIR")]
    pub work: PathBuf,
}

/// Folds and test part.
#[derive(Clone, Copy, Debug, Args)]
pub struct DivisionArgs {
    /// Number of folds
    #[arg(long, default_value_t = 5)]
    pub folds: usize,
    /// Share of the cells in the test part, from 0 (no test part) to below 1
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    pub test_share: f64,
    /// Divide single cells instead of whole images, as the paper does; figures are then too good
    #[arg(long)]
    pub per_cell: bool,
}

/// `split`
#[derive(Clone, Debug, Args)]
pub struct SplitArgs {
    /// Folds and test part
    #[command(flatten)]
    pub division: DivisionArgs,
    /// Work folder
    #[command(flatten)]
    pub work: WorkArgs,
}

/// What the heads learn from.
#[derive(Clone, Debug, Args)]
pub struct HeadArgs {
    /// Trunk (image → features) as ONNX
    #[arg(long, value_name = "FILE")]
    pub trunk: PathBuf,
    /// Edge of the images shown to the trunk, in pixels [default: the trunk's own]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub size: Option<u32>,
    /// Number of classes: 2 (normal, abnormal), 3 (normal, low grade, high grade) or 6 (Bethesda
    /// system) [default: one per label]
    #[arg(long, alias = "num_classes", value_name = "2|3|6")]
    pub num_classes: Option<usize>,
    /// Settings of the heads
    #[command(flatten)]
    pub recipe: RecipeArgs,
    /// Settings of the fine-tuning
    #[command(flatten)]
    pub tuning: TuningArgs,
    /// Work folder
    #[command(flatten)]
    pub work: WorkArgs,
}

/// `train`
#[derive(Clone, Debug, Args)]
pub struct TrainArgs {
    /// Method: baseline, mc_dropout, ensemble, or (with `--preset paper`) tta; also by the paper's
    /// names CustomResNet, MC_Dropout_model, EnsembleModel_ResNet, TTA_model
    #[arg(long, alias = "model", value_parser = method)]
    pub method: Method,
    /// Model and training
    #[command(flatten)]
    pub heads: HeadArgs,
}

/// `finetune`
#[derive(Clone, Debug, Args)]
pub struct FinetuneArgs {
    /// Fold to hold out; repeat it for several [default: every fold in turn, then none for the
    /// bundle]
    #[arg(long)]
    pub fold: Vec<usize>,
    /// Train only the model of the bundle, on every fold; `export` and `evaluate` also need the
    /// models of the folds
    #[arg(long, conflicts_with = "fold")]
    pub bundle_only: bool,
    /// Model and training
    #[command(flatten)]
    pub heads: HeadArgs,
}

/// `export` and `evaluate`
#[derive(Clone, Debug, Args)]
pub struct BundleArgs {
    /// Folder of the bundle; its last component is the bundle's name
    #[arg(long, default_value = "models/cric-lite0", value_name = "DIR")]
    pub out: PathBuf,
    /// Description of the data
    #[command(flatten)]
    pub about: About,
    /// Folder for the report
    #[arg(long, default_value = "work/report", value_name = "DIR")]
    pub report: PathBuf,
    /// Pictures of something else, for the out-of-distribution figures of the report; repeat it for
    /// several folders
    #[arg(long, value_name = "NAME=DIR")]
    pub unlike: Vec<PictureSet>,
    /// Model and training
    #[command(flatten)]
    pub heads: HeadArgs,
}

/// `experiment-guarantee`
#[derive(Clone, Debug, Args)]
pub struct GuaranteeArgs {
    /// Number of draws of calibration images
    #[arg(long, default_value_t = 2_000)]
    pub draws: usize,
    /// Share of mistakes, from 0 to 1, assumed in three images of an unseen kind; policies are
    /// certified with the default
    #[arg(long, default_value_t = UNSEEN_MISTAKEN, value_parser = share, value_name = "SHARE")]
    pub unseen_mistaken: f64,
    /// Model and training
    #[command(flatten)]
    pub heads: HeadArgs,
}

/// `nested`
#[derive(Clone, Debug, Args)]
pub struct NestedArgs {
    /// File for the figures, as JSON; the tables go to a Markdown file of the same name
    #[arg(long, default_value = "work/nested.json", value_name = "FILE")]
    pub out: PathBuf,
    /// Folder for the bundles: one per fold, made without that fold
    #[arg(long, value_name = "DIR")]
    pub bundles: Option<PathBuf>,
    /// Description of the data
    #[command(flatten)]
    pub about: About,
    /// Model and training
    #[command(flatten)]
    pub heads: HeadArgs,
}

/// `cross-validate`
#[derive(Clone, Debug, Args)]
pub struct CrossValidateArgs {
    /// Folds and test part
    #[command(flatten)]
    pub division: DivisionArgs,
    /// Seeds, separated by commas; each has its own folds and training. After `split`, its test
    /// part and number of folds are kept [default: --seed]
    #[arg(long, value_delimiter = ',')]
    pub seeds: Vec<u64>,
    /// Folds to train and measure, at least two, separated by commas [default: all]
    #[arg(long, value_delimiter = ',')]
    pub only_folds: Vec<usize>,
    /// Second recipe of fine-tuning, as JSON like --fine-tune-recipe: train and measure it too, and
    /// print the differences of the first one from it
    #[arg(long, value_name = "FILE")]
    pub compare_recipe: Option<PathBuf>,
    /// Model and training
    #[command(flatten)]
    pub heads: HeadArgs,
}

/// `model`
#[derive(Clone, Debug, Args)]
pub struct ModelArgs {
    /// Data set and crops
    #[command(flatten)]
    pub cut: CutArgs,
    /// Folds and test part
    #[command(flatten)]
    pub division: DivisionArgs,
    /// Training and output
    #[command(flatten)]
    pub bundle: BundleArgs,
}

/// A number from 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    let value: Option<f64> = text.parse().ok();
    let value = value.filter(|share| (0.0..=1.0).contains(share));
    value.ok_or_else(|| format!("expected a number from 0 to 1, such as 0.25, found `{text}`"))
}
