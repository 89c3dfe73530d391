//! `trunk import`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::{
    TrainingError,
    trunks::import::{ImportOptions, import_trunk},
};
use engine::Runtime;
use imaging::Normalisation;

/// What can be done with trunks.
#[derive(Clone, Debug, Subcommand)]
pub enum TrunkCommand {
    /// Make a trunk of any image classifier given as ONNX, with its classifier or without
    Import(ImportArgs),
}

/// `trunk import`
#[derive(Clone, Debug, Args)]
pub struct ImportArgs {
    /// The classifier, as one ONNX file
    #[arg(value_name = "MODEL.onnx")]
    pub model: PathBuf,
    /// The tensor that becomes the features; when not given, that before the last fully connected layer
    #[arg(long, value_name = "TENSOR")]
    pub cut: Option<String>,
    /// Edge of the images that the trunk is to see, in pixels; the model's own when not given, or 224 where it takes any
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub size: Option<u32>,
    /// Factor on every byte
    #[arg(long, default_value_t = 1.0 / 255.0)]
    pub scale: f32,
    /// Subtracted after scaling, for red, green and blue; the default is torchvision's for ImageNet
    #[arg(long, default_value = "0.485,0.456,0.406", value_parser = three, value_name = "R,G,B", allow_hyphen_values = true)]
    pub mean: Three,
    /// Divided by in the end
    #[arg(long, default_value = "0.229,0.224,0.225", value_parser = three, value_name = "R,G,B")]
    pub std: Three,
    /// Licence of the weights; goes into the description as it is
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
        _ => Err("give three numbers, such as 0.485,0.456,0.406".to_owned()),
    }
}

/// Runs a command and says what it made.
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
        "trunk: {} features at {} px, cut at `{}`, in {}; {} within {:.1e} of the uncut model's",
        description.feature_count,
        description.size,
        description.source.cut,
        imported.path.display(),
        imported.compared,
        imported.difference
    );
    Ok(())
}
