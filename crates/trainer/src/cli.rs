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

/// Train a bundle: crop → split → train → export → evaluate, or all of it with `model`.
#[derive(Debug, Parser)]
#[command(name = "secondlook-train", version, about, long_about = None)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: TrainCommand,
}

/// The steps. Each leaves its result in the work folder for the next.
#[derive(Debug, Subcommand)]
pub enum TrainCommand {
    /// Cut every cell out of its field, into PNGs and their table
    Crop(CropArgs),
    /// Divide the cells into folds, whole images together, and a test part where one is wanted
    Split(SplitArgs),
    /// Train the heads of one method on cached trunk features, once without each fold and once on all for the bundle
    Train(TrainArgs),
    /// Train trunk and heads together, once without each fold and once on all for the bundle
    Finetune(FinetuneArgs),
    /// Calibrate on every cell of the folds, each answered by the model that has not seen it, and write the bundle
    Export(BundleArgs),
    /// Measure the trained models out of fold, and on the test part if any; write the report and the model card
    Evaluate(BundleArgs),
    /// Train and measure every fold, for each of several seeds, and print one table; the test part is not looked at
    CrossValidate(CrossValidateArgs),
    /// Show how often the promises of referral policies are broken when calibration images are drawn anew
    ExperimentGuarantee(GuaranteeArgs),
    /// Show what a calibration without each fold, and a model without it, do to the cells of that fold
    Nested(NestedArgs),
    /// Everything, resumed where it was interrupted
    Model(ModelArgs),
    /// Write the augmented views of each cell, or join them to one tensor per cell
    Augment(AugmentArgs),
    /// Bring a trunk of your own
    #[command(subcommand)]
    Trunk(TrunkCommand),
    /// The paper's scripts
    #[command(flatten)]
    Paper(PaperCommand),
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
    /// The data set: a folder with classifications.csv and fields/ as the CRIC collection has them, a folder of one
    /// folder per class, or a CSV with CRIC's columns or the columns path and label
    #[arg(long, alias = "dataset", value_name = "DIR|CSV")]
    pub data: PathBuf,
    /// Folder of the images that a CSV names; its own folder when not given, for CRIC's columns fields/ in it
    #[arg(long, alias = "img_dir", value_name = "DIR")]
    pub img_dir: Option<PathBuf>,
    /// How the data set lies on disk; recognised when not given
    #[arg(long, value_enum)]
    pub layout: Option<DataLayout>,
    /// The labels: bethesda, herlev, sipakmed, or a TOML file that describes others; recognised when not given
    #[arg(long, value_name = "NAME|FILE")]
    pub labels: Option<String>,
    /// Go on without the cells that cannot be used; without this the first of them stops the step
    #[arg(long)]
    pub leave_out: bool,
    /// Edge of the crops in pixels of the fields: 93 px in fields of 1280 px are the 100 px that the paper cuts from
    /// the originals, which are 1376 to 1388 px wide
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
    /// Folder for crops, split, features and heads; the crops go to its folder `crops`
    #[arg(long, aliases = ["cell_img_dir", "cell-img-dir"], default_value = "work/cric", value_name = "DIR")]
    pub work: PathBuf,
}

/// How to divide.
#[derive(Clone, Copy, Debug, Args)]
pub struct DivisionArgs {
    /// Number of folds
    #[arg(long, default_value_t = 5)]
    pub folds: usize,
    /// Share of the cells that are only ever evaluated; 0 makes no such part
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
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
    /// Edge of the images shown to the trunk, in pixels; the trunk's own when not given
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub size: Option<u32>,
    /// Number of classes: of the Bethesda system 6; 3: normal, low grade, high grade; 2: normal, abnormal. All labels
    /// when not given
    #[arg(long, alias = "num_classes", value_name = "2|3|6")]
    pub num_classes: Option<usize>,
    /// How the heads are built and trained
    #[command(flatten)]
    pub recipe: RecipeArgs,
    /// Whether the trunk is trained, too
    #[command(flatten)]
    pub tuning: TuningArgs,
    /// Where
    #[command(flatten)]
    pub work: WorkArgs,
}

/// `train`
#[derive(Clone, Debug, Args)]
pub struct TrainArgs {
    /// baseline, mc_dropout, ensemble, or tta where it has a head of its own (`--preset paper`); the paper's names do as
    /// well: CustomResNet, MC_Dropout_model, EnsembleModel_ResNet, TTA_model
    #[arg(long, alias = "model", value_parser = method)]
    pub method: Method,
    /// On what
    #[command(flatten)]
    pub heads: HeadArgs,
}

/// `finetune`
#[derive(Clone, Debug, Args)]
pub struct FinetuneArgs {
    /// The fold that is held out, repeated for several; when not given, every fold in turn, and then none, for the bundle
    #[arg(long)]
    pub fold: Vec<usize>,
    /// Train the model of the bundle alone, on every fold; `export` and `evaluate` need the models of the folds, too
    #[arg(long, conflicts_with = "fold")]
    pub bundle_only: bool,
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
    /// What the data are
    #[command(flatten)]
    pub about: About,
    /// Folder for the report
    #[arg(long, default_value = "work/report", value_name = "DIR")]
    pub report: PathBuf,
    /// Pictures that are no cells of this kind, to show in the report that they are told; repeated
    #[arg(long, value_name = "NAME=DIR")]
    pub unlike: Vec<PictureSet>,
    /// Of what
    #[command(flatten)]
    pub heads: HeadArgs,
}

/// `experiment-guarantee`
#[derive(Clone, Debug, Args)]
pub struct GuaranteeArgs {
    /// How often calibration images are drawn
    #[arg(long, default_value_t = 2_000)]
    pub draws: usize,
    /// The share of mistakes in the three images of a kind that was not seen that a threshold has to allow for; policies
    /// are certified with the share that is taken here when not given
    #[arg(long, default_value_t = UNSEEN_MISTAKEN, value_parser = share, value_name = "SHARE")]
    pub unseen_mistaken: f64,
    /// Of what
    #[command(flatten)]
    pub heads: HeadArgs,
}

/// `nested`
#[derive(Clone, Debug, Args)]
pub struct NestedArgs {
    /// File for all figures, as JSON; the tables go beside it as Markdown
    #[arg(long, default_value = "work/nested.json", value_name = "FILE")]
    pub out: PathBuf,
    /// Folder for a bundle of each fold left out, which answers its cells as a server would
    #[arg(long, value_name = "DIR")]
    pub bundles: Option<PathBuf>,
    /// What the data are
    #[command(flatten)]
    pub about: About,
    /// Of what
    #[command(flatten)]
    pub heads: HeadArgs,
}

/// `cross-validate`
#[derive(Clone, Debug, Args)]
pub struct CrossValidateArgs {
    /// How to divide
    #[command(flatten)]
    pub division: DivisionArgs,
    /// Seeds of the runs, each with folds and a training of its own; the test part and the number of folds are those of
    /// `split` where it was run. That of --seed when not given
    #[arg(long, value_delimiter = ',')]
    pub seeds: Vec<u64>,
    /// Train and measure these folds alone, two at least, since each takes its temperature from the others; all when not given
    #[arg(long, value_delimiter = ',')]
    pub only_folds: Vec<usize>,
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

/// A number from 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    let value: Option<f64> = text.parse().ok();
    let value = value.filter(|share| (0.0..=1.0).contains(share));
    value.ok_or_else(|| format!("`{text}` is no share: give a number from 0 to 1"))
}
