//! Converts an image classifier into a trunk and its description.

use std::path::{Path, PathBuf};

use prost::Message;

use super::{
    check::{compare, features_of, pictures, scores_of, values_at},
    cut::{FEATURES, TrunkCut, find_cut, named_cut},
    file::{TrunkDescription, TrunkSource},
    part::PartEnd,
    source::{ImageInput, SourceModel},
};
use crate::{
    TrainingError,
    data::layouts::name_of,
    error::{ensure, impossible},
    workspace::{read_bytes, write_bytes},
};
use bundle::{
    onnx::{Axis, RawModel},
    sha256_hex,
};
use engine::Runtime;
use imaging::{InputTensor, Normalisation};

/// Name of every trunk's input.
const IMAGE: &str = "image";

/// Edge of the images of a model that accepts any size.
const USUAL_SIZE: u32 = 224;

/// What to import, and how.
#[derive(Clone, Debug)]
pub struct ImportOptions<'a> {
    /// The ONNX file.
    pub model: &'a Path,
    /// The tensor that becomes the features; searched for if `None`.
    pub cut: Option<&'a str>,
    /// Edge of the images in pixels; if `None`, the model's own, or 224.
    pub size: Option<u32>,
    /// How bytes become the input's numbers.
    pub normalisation: Normalisation,
    /// Licence of the weights, in free text.
    pub licence: &'a str,
    /// Folder for `trunk.onnx` and `trunk.toml`.
    pub out: &'a Path,
}

/// The result of an import.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The trunk's file.
    pub path: PathBuf,
    /// The description beside it.
    pub description: TrunkDescription,
    /// What was compared with the original model: the class scores, or the features if no layer was
    /// cut off.
    pub compared: &'static str,
    /// The largest difference, relative to the largest value.
    pub difference: f32,
}

/// A model that is being imported.
struct Import<'a> {
    runtime: &'a Runtime,
    model: SourceModel,
    input: ImageInput,
    cut: TrunkCut,
}

/// A trunk in memory.
struct MadeTrunk {
    model: RawModel,
    names: [String; 2],
    feature_count: usize,
}

/// Cuts a model, compares the result with the original on noise and a cell, and writes it.
///
/// # Errors
/// If the file is not a model, cannot be cut, or gives other values after cutting. Nothing is
/// written then.
pub fn import_trunk(
    runtime: &Runtime,
    options: &ImportOptions<'_>,
) -> Result<Imported, TrainingError> {
    let bytes = read_bytes(options.model)?;
    let import = Import::open(runtime, &bytes, options.cut)
        .map_err(TrainingError::malformed(options.model))?;
    let (size, own_size) =
        sizes(&import.input, options.size).map_err(TrainingError::malformed(options.model))?;
    let seen = pictures(own_size, &options.normalisation)?;
    let (made, compared, difference) = import.make_and_compare(&seen)?;
    if size != own_size {
        made.check_at(runtime, &pictures(size, &options.normalisation)?)?;
    }
    let path = options.out.join("trunk.onnx");
    let trunk = made.model.encode_to_vec();
    let [input, features] = made.names;
    let description = TrunkDescription {
        sha256: sha256_hex(&trunk),
        input,
        features,
        feature_count: made.feature_count,
        size,
        licence: options.licence.to_owned(),
        normalisation: options.normalisation,
        source: TrunkSource {
            file: name_of(options.model),
            sha256: sha256_hex(&bytes),
            cut: import.cut.tensor,
        },
    };
    write_bytes(&path, &trunk)?;
    description.write(&path)?;
    Ok(Imported {
        path,
        description,
        compared,
        difference,
    })
}

impl<'a> Import<'a> {
    fn open(runtime: &'a Runtime, bytes: &[u8], cut: Option<&str>) -> Result<Self, String> {
        let model = SourceModel::parse(bytes)?;
        let input = model.image_input()?;
        if input.batch.is_some_and(|batch| batch != 1) {
            let reason = "the batch size is fixed: export the model with a free batch axis, or for \
                one image";
            return Err(reason.to_owned());
        }
        let cut = match cut {
            Some(tensor) => named_cut(&model, tensor)?,
            None => find_cut(&model)?,
        };
        Ok(Self {
            runtime,
            model,
            input,
            cut,
        })
    }

    /// A trunk that gives the original model's values, what was compared, and the largest
    /// difference.
    fn make_and_compare(
        &self,
        seen: &InputTensor,
    ) -> Result<(MadeTrunk, &'static str, f32), TrainingError> {
        let uncut = |tensor| values_at(self.runtime, &self.model, &self.input, tensor, seen);
        let (shape, expected) = uncut(&self.cut.tensor)?;
        let made =
            make(&self.model, &self.input, &self.cut, &shape).map_err(TrainingError::Impossible)?;
        let features =
            features_of(self.runtime, &made.model, &made.names, seen).map_err(|error| {
                impossible!(
                    "the graph takes no batch of images: export it again with a free batch axis \
                 ({error})"
                )
            })?;
        let of_features = compare(FEATURES, &expected, &features)?;
        let Some(scores) = &self.cut.scores else {
            return Ok((made, FEATURES, of_features));
        };
        let (_, expected) = uncut(scores)?;
        let cut = (&self.cut, scores.as_str());
        let found = scores_of(self.runtime, &self.model, cut, &shape, &features)?;
        let compared = "class scores";
        let difference = compare(compared, &expected, &found)?;
        Ok((made, compared, difference))
    }
}

impl MadeTrunk {
    /// Checks that the model gives as many features at a size that it was not exported for.
    fn check_at(&self, runtime: &Runtime, seen: &InputTensor) -> Result<(), TrainingError> {
        let (count, size) = (self.feature_count, seen.width());
        let found = features_of(runtime, &self.model, &self.names, seen)?;
        let is_finite = found.iter().all(|value| value.is_finite());
        ensure!(
            is_finite && found.len() == count * seen.images(),
            "at {size} px the model does not give {count} finite features for each image: leave out --size"
        );
        Ok(())
    }
}

/// The size to train with, and the size that the original model accepts.
fn sizes(input: &ImageInput, wanted: Option<u32>) -> Result<(u32, u32), String> {
    let Some((height, width)) = input.size else {
        let size = wanted.unwrap_or(USUAL_SIZE);
        return Ok((size, size));
    };
    if height != width {
        return Err(format!(
            "expected square images, found {width} x {height} px: export the model for squares"
        ));
    }
    let too_large = |_| {
        format!(
            "the model takes images of {height} x {height} px, at most 4096 are supported: export it \
             for smaller images, or with free height and width"
        )
    };
    let own = u32::try_from(height).map_err(too_large)?;
    Ok((wanted.unwrap_or(own), own))
}

/// Cuts out the trunk. `shape` is that of one image's features.
fn make(
    model: &SourceModel,
    input: &ImageInput,
    cut: &TrunkCut,
    shape: &[i64],
) -> Result<MadeTrunk, String> {
    let (count, flattened) = match shape {
        [1, count] => (*count, false),
        [1, count, 1, 1] => (*count, true),
        _ => {
            return Err(format!(
                "expected the shape [1, D] or [1, D, 1, 1] for the D features of one image, found \
                 {shape:?} at `{}`: name another tensor with --cut; the last tensors are {}",
                cut.tensor,
                model.last_tensors(6).join(", ")
            ));
        }
    };
    let names = [
        model.free_name(IMAGE, Some(&input.name)),
        model.free_name(FEATURES, (!flattened).then_some(&cut.tensor)),
    ];
    let image = [
        Axis::Free("N"),
        Axis::Fixed(3),
        Axis::Free("H"),
        Axis::Free("W"),
    ];
    let from = PartEnd {
        tensor: &input.name,
        name: &names[0],
        axes: &image,
        flattened: false,
    };
    let to = PartEnd {
        tensor: &cut.tensor,
        name: &names[1],
        axes: &[Axis::Free("N"), Axis::Fixed(count)],
        flattened,
    };
    let reshapes = match input.batch {
        Some(_) => model.freed_reshapes(),
        None => Vec::new(),
    };
    Ok(MadeTrunk {
        model: model.part(&from, &to, &reshapes)?,
        feature_count: usize::try_from(count).unwrap_or(0),
        names,
    })
}
