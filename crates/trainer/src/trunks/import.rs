//! From any image classifier to a trunk and its description.

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

/// Edge of the images of a model that takes any.
const USUAL_SIZE: u32 = 224;

/// How to import.
#[derive(Clone, Debug)]
pub struct ImportOptions<'a> {
    /// The ONNX file.
    pub model: &'a Path,
    /// The tensor that becomes the features; found when not given.
    pub cut: Option<&'a str>,
    /// Edge of the images in pixels; the model's own, or 224, when not given.
    pub size: Option<u32>,
    /// How bytes become the input's numbers.
    pub normalisation: Normalisation,
    /// Licence of the weights, in any words.
    pub licence: &'a str,
    /// Folder for `trunk.onnx` and `trunk.toml`.
    pub out: &'a Path,
}

/// What an import gave.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The trunk's file.
    pub path: PathBuf,
    /// What stands beside it.
    pub description: TrunkDescription,
    /// The class scores that were compared with the uncut model's, or the features where no layer was cut off.
    pub compared: &'static str,
    /// The largest difference, as a part of the largest value.
    pub difference: f32,
}

/// A model that is being imported.
struct Import<'a> {
    runtime: &'a Runtime,
    model: SourceModel,
    input: ImageInput,
    cut: TrunkCut,
}

/// A trunk that is in memory.
struct MadeTrunk {
    model: RawModel,
    names: [String; 2],
    feature_count: usize,
}

/// Cuts a model, compares the result with the uncut one on noise and a cell, and writes it.
///
/// # Errors
/// When the model is none, cannot be cut, or says something else once it is cut; nothing is written then.
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
    let Checked {
        made,
        compared,
        difference,
    } = import.make_and_compare(&seen)?;
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
            file: file_name(options.model),
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

/// A trunk that says what the uncut model says.
struct Checked {
    made: MadeTrunk,
    compared: &'static str,
    difference: f32,
}

impl<'a> Import<'a> {
    fn open(runtime: &'a Runtime, bytes: &[u8], cut: Option<&str>) -> Result<Self, String> {
        let model = SourceModel::parse(bytes)?;
        let input = model.image_input()?;
        if input.batch.is_some_and(|batch| batch != 1) {
            return Err(
                "its batch size is fixed: export it with a free batch axis, or for one image"
                    .to_owned(),
            );
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

    fn make_and_compare(&self, seen: &InputTensor) -> Result<Checked, TrainingError> {
        let (shape, uncut) = self.uncut(&self.cut.tensor, seen)?;
        let made =
            make(&self.model, &self.input, &self.cut, &shape).map_err(TrainingError::Impossible)?;
        let features = made.features_of(self.runtime, seen).map_err(|error| {
            TrainingError::Impossible(format!(
                "the graph takes no batch of images: export it again with a free batch axis ({error})"
            ))
        })?;
        let of_features = compare(FEATURES, &uncut, &features)?;
        let Some(scores) = &self.cut.scores else {
            return Ok(Checked {
                made,
                compared: FEATURES,
                difference: of_features,
            });
        };
        let (_, expected) = self.uncut(scores, seen)?;
        let cut = (&self.cut, scores.as_str());
        let found = scores_of(self.runtime, &self.model, cut, &shape, &features)?;
        let compared = "class scores";
        Ok(Checked {
            made,
            compared,
            difference: compare(compared, &expected, &found)?,
        })
    }

    fn uncut(
        &self,
        tensor: &str,
        seen: &InputTensor,
    ) -> Result<(Vec<i64>, Vec<f32>), TrainingError> {
        values_at(self.runtime, &self.model, &self.input, tensor, seen)
    }
}

impl MadeTrunk {
    fn features_of(
        &self,
        runtime: &Runtime,
        seen: &InputTensor,
    ) -> Result<Vec<f32>, TrainingError> {
        let [input, features] = &self.names;
        features_of(runtime, &self.model, [input, features], seen)
    }

    /// Whether a size that the model was not exported for gives as many features.
    fn check_at(&self, runtime: &Runtime, seen: &InputTensor) -> Result<(), TrainingError> {
        let found = self.features_of(runtime, seen)?;
        let finite = found.iter().all(|value| value.is_finite());
        if finite && found.len() == self.feature_count * seen.images() {
            return Ok(());
        }
        Err(TrainingError::Impossible(format!(
            "at {} px the model does not give {} features: leave --size out",
            seen.width(),
            self.feature_count
        )))
    }
}

/// The size to train with, and the one that the uncut model takes.
fn sizes(input: &ImageInput, wanted: Option<u32>) -> Result<(u32, u32), String> {
    let own = match input.size {
        None => None,
        Some((height, width)) if height == width => Some(
            u32::try_from(height)
                .map_err(|_| format!("its images of {height} px are too large"))?,
        ),
        Some((height, width)) => {
            return Err(format!(
                "its images are {width} x {height} px: a trunk sees squares"
            ));
        }
    };
    let size = wanted.or(own).unwrap_or(USUAL_SIZE);
    Ok((size, own.unwrap_or(size)))
}

/// Takes the trunk out; `shape` is that of the features of one image.
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
                "`{}` has shape {shape:?} for one image: name a tensor [N, D] or [N, D, 1, 1] with --cut, the last ones \
                 are {}",
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

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
