//! The manifest of a bundle, `bundle.toml`. `secondlook-train` writes it; you can also write one by
//! hand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Head, Label, Method, Methods, Precision, PredictionSets, TrunkVariant, abnormal_flags,
    high_grade_flags,
};
use imaging::{Normalisation, Padding, ResizeFilter};
use uncertainty::{Measure, Policy, Range, stopping::StoppingRule};

/// The format version that this program writes. It reads this version and [`FORMAT_1`].
pub const FORMAT: u32 = 2;

/// The first format: without `high_grade` and `severity` of labels, and without default policies
/// and prediction sets of methods.
pub const FORMAT_1: u32 = 1;

/// The contents of `bundle.toml`. Unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format: [`FORMAT`] or [`FORMAT_1`].
    pub format: u32,
    /// Name under which the model is served: lower-case letters, digits and hyphens.
    pub name: String,
    /// The publisher's version of the model.
    pub version: String,
    /// Licence of the weights, as an SPDX expression.
    pub licence: String,
    /// A description in one sentence.
    pub description: String,
    /// Provenance of the weights.
    pub training: Training,
    /// How an image becomes the model's input.
    pub input: Input,
    /// The classes, in the order of the model's outputs.
    pub labels: Vec<Label>,
    /// The graph that runs once per image. If absent, each method's graph takes the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trunk: Option<Trunk>,
    /// The methods that the model offers.
    pub methods: Methods,
    /// Calibration of each method, measured on cells that were not used for training.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub calibration: BTreeMap<Method, Calibration>,
    /// How out-of-distribution images are detected. If absent, they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_of_distribution: Option<OutOfDistribution>,
}

/// Provenance of the weights, for the model card and for audits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// The training data, with attribution.
    pub data: String,
    /// Commit of the program that trained the model.
    pub commit: String,
    /// Seed of the training.
    pub seed: u64,
    /// Number of training cells.
    pub cells: usize,
    /// Number of images (fields) that contain those cells.
    pub images: usize,
}

/// How pixels become the model's input tensor, f32 `[N, 3, size, size]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Edge of the square input in pixels.
    pub size: u32,
    /// Order of the channels. Only `rgb` is supported.
    pub channels: ChannelOrder,
    /// The antialiased filter that resizes an image to `size`.
    pub resize: ResizeFilter,
    /// How 8-bit values become floats.
    pub normalisation: Normalisation,
    /// Edge in pixels of the square crop around each nucleus in the training data.
    pub crop_edge_px: u32,
    /// How pixels outside the field are filled.
    pub padding: Padding,
    /// Width in pixels of the fields in which `crop_edge_px` is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_width_px: Option<u32>,
    /// Size of a pixel of those fields in micrometres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micrometres_per_pixel: Option<f64>,
}

/// The order of the input tensor's channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelOrder {
    /// Red, green, blue.
    Rgb,
}

/// A file of the bundle, by its name in the bundle's directory and its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileReference {
    /// File name without any directory.
    pub name: String,
    /// SHA-256 of its bytes, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// image `[N, 3, H, W]` → features `[N, D]` and, optionally, statistics `[N, S]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trunk {
    /// The ONNX file.
    pub file: FileReference,
    /// Name of the input tensor.
    pub input: String,
    /// Name of the output with the features.
    pub features: String,
    /// D, the number of features.
    pub feature_count: usize,
    /// Name of the output with the statistics of a middle layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<String>,
    /// S, the number of statistics. Set together with `statistics`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistic_count: Option<usize>,
    /// Copies of the trunk in other precisions, which are faster on some machines.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variants: BTreeMap<Precision, TrunkVariant>,
}

/// Calibration of one method, measured on cells that were not used for training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Divisor of the logits before the softmax, above 0. 1 changes nothing.
    pub temperature: f64,
    /// Number of calibration cells.
    pub cells: usize,
    /// Number of images that contain those cells.
    pub images: usize,
    /// Smallest and largest value of each measure on those cells, for the paper's min-max
    /// normalisation.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ranges: BTreeMap<Measure, Range>,
    /// Rules for accepting an answer. [`Manifest::default_policy`] says which one decides when the
    /// request names none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Policy>,
    /// Name of the policy that decides when the request names none. If absent, every cell is
    /// referred. Format 1 does not have this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_policy: Option<String>,
    /// Thresholds of the prediction sets, one entry per confidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prediction_sets: Vec<PredictionSets>,
    /// When test-time augmentation may stop before its last view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopping: Option<StoppingRule>,
}

/// How out-of-distribution images are detected from the trunk's statistics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutOfDistribution {
    /// The JSON file with an [`OodModel`](uncertainty::ood::OodModel).
    pub file: FileReference,
    /// p-value in (0, 1) below which an image is referred, regardless of method and policy.
    pub refer_below: f64,
    /// Layer that the statistics describe. Informative only.
    pub layer: String,
}

impl Trunk {
    /// Name and number of the statistics; `None` if the trunk has none.
    pub fn statistics(&self) -> Option<(&str, usize)> {
        Some((self.statistics.as_deref()?, self.statistic_count?))
    }

    /// The trunk's file in this precision; `None` if there is none.
    pub fn file_of(&self, precision: Precision) -> Option<&FileReference> {
        match precision {
            Precision::Float32 => Some(&self.file),
            other => self.variants.get(&other).map(|variant| &variant.file),
        }
    }

    /// The precisions of the trunk, `float32` first.
    pub fn precisions(&self) -> Vec<Precision> {
        let variants = self.variants.keys().copied();
        std::iter::once(Precision::Float32)
            .chain(variants)
            .collect()
    }
}

impl Manifest {
    /// The methods that the bundle offers, in the order of [`Method::ALL`].
    pub fn offered_methods(&self) -> Vec<Method> {
        Method::ALL
            .into_iter()
            .filter(|method| self.offers(*method))
            .collect()
    }

    /// Whether the bundle offers this method.
    pub fn offers(&self, method: Method) -> bool {
        match method {
            Method::Baseline => self.methods.baseline.is_some(),
            Method::McDropout => self.methods.mc_dropout.is_some(),
            Method::Ensemble => self.methods.ensemble.is_some(),
            Method::Tta => self.methods.tta.is_some(),
        }
    }

    /// The method whose head answers. Test-time augmentation uses the baseline's head unless it has
    /// its own.
    pub fn head_method(&self, method: Method) -> Method {
        let own = self.methods.tta.as_ref().and_then(|tta| tta.head.as_ref());
        match (method, own) {
            (Method::Tta, None) => Method::Baseline,
            _ => method,
        }
    }

    /// The head that a method uses.
    pub fn head(&self, method: Method) -> Option<&Head> {
        let methods = &self.methods;
        match self.head_method(method) {
            Method::Baseline => methods.baseline.as_ref().map(|of| &of.head),
            Method::McDropout => methods.mc_dropout.as_ref().map(|of| &of.head),
            Method::Ensemble => methods.ensemble.as_ref().map(|of| &of.head),
            Method::Tta => methods.tta.as_ref().and_then(|of| of.head.as_ref()),
        }
    }

    /// The offered methods that have their own head.
    pub fn methods_with_heads(&self) -> Vec<Method> {
        let mut offered = self.offered_methods();
        offered.retain(|method| self.head_method(*method) == *method);
        offered
    }

    /// Whether each class is abnormal, in the order of the model's outputs.
    pub fn abnormal_flags(&self) -> Vec<bool> {
        abnormal_flags(&self.labels)
    }

    /// Whether each class is high grade, in the order of the model's outputs; all false if no label
    /// says so.
    pub fn high_grade_flags(&self) -> Vec<bool> {
        high_grade_flags(&self.labels)
    }

    /// What this bundle cannot do that others can, one sentence each. The server logs them at its
    /// start.
    pub fn lacks(&self) -> Vec<&'static str> {
        let mut lacks = Vec::new();
        if !self.abnormal_flags().contains(&true) {
            lacks.push("no label has `abnormal = true`: no cell is called normal or abnormal, and no policy can clear normal cells");
        } else if !self.high_grade_flags().contains(&true) {
            lacks.push("no label has `high_grade = true`: worklists are ordered by P(abnormal), and no policy bounds missed high-grade cells");
        }
        if self.format == FORMAT_1 {
            lacks.push("its format is 1: it has no prediction sets, and its default policy is not a `clear_missed` policy");
        }
        lacks
    }

    /// The policy that decides when the request names none; `None` refers every cell.
    ///
    /// From format 2 on, the calibration names the policy, which must be certified and accept only
    /// cells called normal. In format 1 it is the first policy that [may be the
    /// default](Policy::may_be_default), or the first policy of all if no label is abnormal.
    pub fn default_policy(&self, method: Method) -> Option<&Policy> {
        let calibration = self.calibration.get(&method)?;
        let policies = &calibration.policies;
        if self.format > FORMAT_1 {
            let name = calibration.default_policy.as_ref()?;
            return policies.iter().find(|policy| policy.name == *name);
        }
        if !self.labels.iter().any(|label| label.abnormal) {
            return policies.first();
        }
        policies.iter().find(|policy| policy.may_be_default())
    }

    /// All files that the manifest names.
    pub fn files(&self) -> Vec<&FileReference> {
        let unlike = self.out_of_distribution.as_ref().map(|unlike| &unlike.file);
        self.graphs().into_iter().chain(unlike).collect()
    }

    /// The ONNX files that the manifest names.
    pub fn graphs(&self) -> Vec<&FileReference> {
        let trunks = self.trunk.iter().flat_map(|trunk| {
            let variants = trunk.variants.values().map(|variant| &variant.file);
            std::iter::once(&trunk.file).chain(variants)
        });
        let methods = self.methods_with_heads().into_iter();
        let heads = methods.filter_map(|method| Some(&self.head(method)?.file));
        trunks.chain(heads).collect()
    }
}
