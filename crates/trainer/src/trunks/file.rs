//! The trunk, which turns an image into features, and `trunk.toml` beside it, which describes the
//! input and origin of an imported trunk.

use std::path::{Path, PathBuf};

use prost::Message;
use serde::{Deserialize, Serialize};

use crate::{
    CropSettings, TrainingError,
    workspace::{no_form, parse_toml, read_bytes, write_bytes},
};
use bundle::{
    ChannelOrder, Input,
    onnx::{DimensionValue, ModelProto},
    sha256_hex,
};
use imaging::{Normalisation, ResizeFilter};

/// Names of the tensors of a trunk without a description.
const TENSORS: [&str; 2] = ["image", "features"];

/// Name of the trunk with the digest [`LITE0_SHA256`].
const LITE0: &str = "EfficientNet-Lite0";

/// SHA-256 of `weights/efficientnet_lite0.onnx`. Only the digest proves the origin; any file may
/// have the same tensors.
const LITE0_SHA256: &str = "8ac6c72c481e395696bfcd2a581e50245c6bfea8630fe4a711221a793cabbb5f";

/// Licence of weights without a stated licence.
const NOT_STATED: &str = "LicenseRef-not-stated";

/// Input size of a trunk without a description, which is that of the pretrained EfficientNet-Lite0.
const LITE0_SIZE: u32 = 224;
/// Input normalisation of the same trunk.
const LITE0_NORMALISATION: Normalisation = Normalisation {
    scale: 1.0,
    mean: [127.0; 3],
    std: [128.0; 3],
};

/// A trunk's file, the names of its tensors and its input.
#[derive(Clone, Debug)]
pub struct TrunkFile {
    /// Name for people: the imported file, the built-in network, or else the trunk's file.
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
    /// Edge of its input images in pixels.
    pub size: u32,
    /// How bytes become the input's numbers.
    pub normalisation: Normalisation,
    /// Licence of the weights, or that it was not stated; `None` for the built-in network
    /// (Apache-2.0).
    pub licence: Option<String>,
}

impl TrunkFile {
    /// Opens a trunk with the description that `trunk import` wrote beside it. Without a
    /// description the file must be a graph from `image` to `features` with the input of the
    /// pretrained EfficientNet-Lite0: 224 px, (x − 127) / 128.
    ///
    /// # Errors
    /// [`TrainingError::Read`] if the file cannot be read, [`TrainingError::Malformed`] if it is
    /// not a trunk or the description belongs to another file.
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

    /// How crops become this trunk's input, at `size` pixels or the trunk's own size.
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

/// Reads an ONNX file.
///
/// # Errors
/// [`TrainingError::Read`]; [`TrainingError::Malformed`] for a file that is not an ONNX model.
pub(crate) fn read_model(path: &Path) -> Result<ModelProto, TrainingError> {
    ModelProto::read(&read_bytes(path)?)
        .map_err(|_| TrainingError::malformed(path)("not an ONNX model"))
}

/// D of a graph from `image` to `features`.
fn dimension(bytes: &[u8]) -> Result<usize, String> {
    let model = ModelProto::decode(bytes).map_err(|_| "not an ONNX model")?;
    let graph = model.graph.ok_or("the ONNX model has no graph")?;
    let [image, features] = TENSORS;
    let output = graph.output.iter().find(|output| output.name == features);
    let has_input = graph.input.iter().any(|input| input.name == image);
    let Some(output) = output.filter(|_| has_input) else {
        return Err(format!(
            "not a trunk: expected an input `{image}` and an output `{features}`; convert the \
             model with `trunk import`"
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
            usize::try_from(*size).map_err(|_| "it has too many features".to_owned())
        }
        _ => Err(
            "not a trunk: the output `features` has no fixed length; convert the model with `trunk \
             import`"
                .to_owned(),
        ),
    }
}

/// The description beside a trunk.
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
    /// Licence of the weights, as stated at import.
    pub licence: String,
    /// How bytes become the input's numbers.
    pub normalisation: Normalisation,
    /// The model that it was cut from.
    pub source: TrunkSource,
}

/// The model that a trunk was cut from.
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
    /// The path of a trunk's description.
    pub fn path_of(trunk: &Path) -> PathBuf {
        trunk.with_extension("toml")
    }

    /// Reads the description of a trunk, if there is one.
    ///
    /// # Errors
    /// [`TrainingError::Malformed`] if the file is not a description, or not that of the trunk with
    /// `sha256`.
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
            return Err(
                "the description belongs to another trunk: run `trunk import` again".to_owned(),
            );
        }
        if self.feature_count == 0 || self.size == 0 {
            return Err("feature_count and size must be at least 1".to_owned());
        }
        self.normalisation
            .check()
            .map_err(|error| error.to_string())
    }

    /// Writes the description of a trunk.
    pub fn write(&self, trunk: &Path) -> Result<(), TrainingError> {
        let path = Self::path_of(trunk);
        let text = toml::to_string(self).map_err(|_| no_form(&path, "TOML"))?;
        write_bytes(&path, text.as_bytes())
    }
}
