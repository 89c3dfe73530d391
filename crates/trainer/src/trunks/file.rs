//! The trunk: the part of the model that turns an image into features, and `trunk.toml` beside it, which says what an
//! imported one wants to see and where it comes from.

use std::path::{Path, PathBuf};

use prost::Message;
use serde::{Deserialize, Serialize};

use crate::{
    CropSettings, TrainingError,
    workspace::{parse_toml, read_bytes, write_bytes},
};
use bundle::{
    ChannelOrder, Input,
    onnx::{DimensionValue, ModelProto},
    sha256_hex,
};
use imaging::{Normalisation, ResizeFilter};

/// Names of the tensors of a trunk without a description.
const TENSORS: [&str; 2] = ["image", "features"];

/// What the trunk of [`LITE0_SHA256`] is.
const LITE0: &str = "EfficientNet-Lite0";

/// SHA-256 of `weights/efficientnet_lite0.onnx`: any file may have the tensors of a trunk, that one has a known origin.
const LITE0_SHA256: &str = "8ac6c72c481e395696bfcd2a581e50245c6bfea8630fe4a711221a793cabbb5f";

/// Licence of weights of which nothing is known.
const NOT_STATED: &str = "LicenseRef-not-stated";

/// What a trunk without a description sees: the pretrained EfficientNet-Lite0 was made for it.
const LITE0_SIZE: u32 = 224;
/// See [`LITE0_SIZE`].
const LITE0_NORMALISATION: Normalisation = Normalisation {
    scale: 1.0,
    mean: [127.0; 3],
    std: [128.0; 3],
};

/// The trunk as a file with the names of its tensors and what it wants to see.
#[derive(Clone, Debug)]
pub struct TrunkFile {
    /// What people call it: the file that it was imported from, the network that comes with the trainer, or else the file.
    pub name: String,
    /// The ONNX file.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Name of the image input.
    pub input: String,
    /// Name of the feature output.
    pub features: String,
    /// D, the number of features.
    pub dimension: usize,
    /// Edge of the images that it was made for, in pixels.
    pub size: u32,
    /// How bytes become the input's numbers.
    pub normalisation: Normalisation,
    /// Licence of the weights, or that it was not stated; none for the network that comes with the trainer (Apache-2.0).
    pub licence: Option<String>,
}

impl TrunkFile {
    /// Opens a trunk with the description that `trunk import` wrote beside it, or without one a graph from `image` to
    /// `features`, as the pretrained EfficientNet-Lite0 is, with that network's input: 224 px, (x − 127) / 128.
    ///
    /// # Errors
    /// [`TrainingError::Read`] when there is no such file, [`TrainingError::Malformed`] when it is no trunk or the
    /// description is of another.
    pub fn open(path: &Path) -> Result<Self, TrainingError> {
        let bytes = read_bytes(path)?;
        let sha256 = sha256_hex(&bytes);
        if let Some(described) = TrunkDescription::beside(path, &sha256)? {
            return Ok(Self {
                name: described.source.file,
                path: path.to_owned(),
                sha256,
                input: described.input,
                features: described.features,
                dimension: described.feature_count,
                size: described.size,
                normalisation: described.normalisation,
                licence: Some(described.licence),
            });
        }
        let dimension = dimension(&bytes).map_err(TrainingError::malformed(path))?;
        let [input, features] = TENSORS.map(str::to_owned);
        let (name, licence) = origin(path, &sha256);
        Ok(Self {
            name,
            path: path.to_owned(),
            sha256,
            input,
            features,
            dimension,
            size: LITE0_SIZE,
            normalisation: LITE0_NORMALISATION,
            licence,
        })
    }

    /// How crops become this trunk's input, at `size` pixels or the trunk's own.
    pub fn input(&self, crops: &CropSettings, size: Option<u32>) -> Input {
        Input {
            size: size.unwrap_or(self.size),
            channels: ChannelOrder::Rgb,
            resize: ResizeFilter::Bilinear,
            normalisation: self.normalisation,
            crop_edge_px: crops.edge,
            padding: crops.padding,
            source_width_px: crops.source_width_px,
            micrometres_per_pixel: None,
        }
    }
}

/// Name and licence of a trunk without a description.
fn origin(path: &Path, sha256: &str) -> (String, Option<String>) {
    if sha256 == LITE0_SHA256 {
        return (LITE0.to_owned(), None);
    }
    let file = path.file_name().unwrap_or(path.as_os_str());
    (
        file.to_string_lossy().into_owned(),
        Some(NOT_STATED.to_owned()),
    )
}

/// The graph of a trunk's file, or of another.
///
/// # Errors
/// [`TrainingError::Read`]; [`TrainingError::Malformed`] for a file that is no ONNX model.
pub(crate) fn read_model(path: &Path) -> Result<ModelProto, TrainingError> {
    ModelProto::read(&read_bytes(path)?).map_err(TrainingError::malformed(path))
}

/// D of a graph from `image` to `features`.
fn dimension(bytes: &[u8]) -> Result<usize, String> {
    let no_model = |error| format!("it is no ONNX model: {error}");
    let graph = ModelProto::decode(bytes).map_err(no_model)?.graph;
    let graph = graph.ok_or("it has no graph")?;
    let [image, features] = TENSORS;
    let output = graph.output.iter().find(|output| output.name == features);
    let has_input = graph.input.iter().any(|input| input.name == image);
    let Some(output) = output.filter(|_| has_input) else {
        return Err(format!(
            "it has no input `{image}` or no output `{features}`: make a trunk of it with `trunk import`"
        ));
    };
    let tensor = output
        .r#type
        .as_ref()
        .and_then(|of| of.tensor_type.as_ref());
    let shape = tensor.and_then(|tensor| tensor.shape.as_ref());
    let last = shape.and_then(|shape| shape.dim.last());
    match last.and_then(|dim| dim.value.as_ref()) {
        Some(DimensionValue::DimValue(size)) if *size > 0 => {
            usize::try_from(*size).map_err(|error| error.to_string())
        }
        _ => Err(
            "it does not say how many features it gives: make a trunk of it with `trunk import`"
                .to_owned(),
        ),
    }
}

/// The file beside a trunk, named like it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrunkDescription {
    /// SHA-256 of the trunk's file.
    pub sha256: String,
    /// Name of the image input `[N, 3, size, size]`.
    pub input: String,
    /// Name of the output `[N, feature_count]`.
    pub features: String,
    /// D, the number of features.
    pub feature_count: usize,
    /// Edge of the images in pixels.
    pub size: u32,
    /// Licence of the weights, as whoever imported them said.
    pub licence: String,
    /// How bytes become the input's numbers.
    pub normalisation: Normalisation,
    /// The model that it was cut out of.
    pub source: TrunkSource,
}

/// The model that a trunk was cut out of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrunkSource {
    /// Its file name.
    pub file: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// The tensor that became the features.
    pub cut: String,
}

impl TrunkDescription {
    /// Where the description of a trunk lies.
    pub fn path_of(trunk: &Path) -> PathBuf {
        trunk.with_extension("toml")
    }

    /// Reads the description of a trunk, when there is one.
    ///
    /// # Errors
    /// [`TrainingError::Malformed`] for a file that is no description, or of another trunk than `sha256`.
    pub fn beside(trunk: &Path, sha256: &str) -> Result<Option<Self>, TrainingError> {
        let path = Self::path_of(trunk);
        if !path.is_file() {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&read_bytes(&path)?).into_owned();
        let description: Self = parse_toml(&path, &text)?;
        description
            .check(sha256)
            .map_err(TrainingError::malformed(&path))?;
        Ok(Some(description))
    }

    fn check(&self, sha256: &str) -> Result<(), String> {
        if self.sha256 != sha256 {
            return Err("it describes another trunk: run `trunk import` again".to_owned());
        }
        if self.feature_count == 0 || self.size == 0 {
            return Err("feature_count and size must be positive".to_owned());
        }
        self.normalisation
            .check()
            .map_err(|error| error.to_string())
    }

    /// Writes the description of a trunk.
    pub fn write(&self, trunk: &Path) -> Result<(), TrainingError> {
        let path = Self::path_of(trunk);
        let text = toml::to_string(self).map_err(TrainingError::malformed(&path))?;
        write_bytes(&path, text.as_bytes())
    }
}
