//! `trunk import`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::{
    TrainingError,
    trunks::import::{ImportOptions, import_trunk},
};
use engine::Runtime;
use imaging::Normalisation;

/// Commands for trunks.
#[derive(Clone, Debug, Subcommand)]
pub enum TrunkCommand {
    /// Cut a trunk out of an image classifier in ONNX format
    Import(ImportArgs),
}

/// `trunk import`
#[derive(Clone, Debug, Args)]
pub struct ImportArgs {
    /// Image classifier as one ONNX file, with or without its last layer
    #[arg(value_name = "MODEL.onnx")]
    pub model: PathBuf,
    /// Tensor that becomes the features [default: the input of the last fully connected layer]
    #[arg(long, value_name = "TENSOR")]
    pub cut: Option<String>,
    /// Edge of the trunk's input in pixels [default: the model's own, or 224 when it takes any]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub size: Option<u32>,
    /// Factor on every byte of a pixel, applied first
    #[arg(long, default_value_t = 1.0 / 255.0)]
    pub scale: f32,
    /// Subtracted after scaling, for red, green and blue; the default is torchvision's for ImageNet
    #[arg(long, default_value = "0.485,0.456,0.406", value_parser = three, value_name = "R,G,B", allow_hyphen_values = true)]
    pub mean: Three,
    /// Divisor after that, for red, green and blue
    #[arg(long, default_value = "0.229,0.224,0.225", value_parser = three, value_name = "R,G,B")]
    pub std: Three,
    /// Licence of the weights, for the description
    #[arg(long, default_value = "not stated", value_name = "TEXT")]
    pub licence: String,
    /// Folder for trunk.onnx and trunk.toml
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// A number for each of red, green and blue.
#[derive(Clone, Copy, Debug)]
pub struct Three([f32; 3]);

fn three(text: &str) -> Result<Three, String> {
    let numbers: Result<Vec<f32>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    match numbers.as_deref() {
        Ok([red, green, blue]) => Ok(Three([*red, *green, *blue])),
        _ => {
            Err("expected three numbers separated by commas, such as 0.485,0.456,0.406".to_owned())
        }
    }
}

/// Runs a command and prints what it made.
///
/// # Errors
/// See [`import_trunk`].
pub(crate) fn run(command: &TrunkCommand) -> Result<(), TrainingError> {
    let TrunkCommand::Import(args) = command;
    let options = ImportOptions {
        model: &args.model,
        cut: args.cut.as_deref(),
        size: args.size,
        normalisation: Normalisation {
            scale: args.scale,
            mean: args.mean.0,
            std: args.std.0,
        },
        licence: &args.licence,
        out: &args.out,
    };
    let imported = import_trunk(&Runtime::load(None)?, &options)?;
    let description = &imported.description;
    println!(
        "trunk: {} features at {} px, cut at `{}`, in {}; {} differ from the uncut model's by at most {:.1e}",
        description.feature_count,
        description.size,
        description.source.cut,
        imported.path.display(),
        imported.compared,
        imported.difference
    );
    Ok(())
}
