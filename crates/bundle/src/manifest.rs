//! What `bundle.toml` says of a model. The trainer writes it; anyone can write one by hand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Head, Label, Method, Methods, Precision, PredictionSets, TrunkVariant, abnormal_flags,
    high_grade_flags,
};
use imaging::{Normalisation, Padding, ResizeFilter};
use uncertainty::{Measure, Policy, Range, stopping::StoppingRule};

/// The version of the manifest's format that this program writes. It reads this one and [`FORMAT_1`].
pub const FORMAT: u32 = 2;

/// The format before labels knew what is high grade, and methods their default policy and prediction sets.
pub const FORMAT_1: u32 = 1;

/// A whole `bundle.toml`. Unknown keys are refused.
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
    /// One sentence for people.
    pub description: String,
    /// Where the weights come from.
    pub training: Training,
    /// What the model wants to see.
    pub input: Input,
    /// The classes, in the order of the model's outputs.
    pub labels: Vec<Label>,
    /// The part that is run once per image. Absent: each method's graph takes the image itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trunk: Option<Trunk>,
    /// The methods that the model offers.
    pub methods: Methods,
    /// What was measured of each method on cells that its training has not seen.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub calibration: BTreeMap<Method, Calibration>,
    /// How images unlike those of training are told. Absent: they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_of_distribution: Option<OutOfDistribution>,
}

/// Provenance of the weights, for the model card and for audits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// The data, with attribution.
    pub data: String,
    /// Revision of the program that trained it.
    pub commit: String,
    /// Seed of every random choice of the training.
    pub seed: u64,
    /// Number of cells trained on.
    pub cells: usize,
    /// Number of images (fields) that those cells come from.
    pub images: usize,
}

/// How pixels become the model's input tensor, f32 `[N, 3, size, size]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Edge of the square input in pixels.
    pub size: u32,
    /// Order of the channels. Only `rgb` is known.
    pub channels: ChannelOrder,
    /// The antialiased filter that resizes an image to `size`.
    pub resize: ResizeFilter,
    /// Arithmetic on the 8-bit values.
    pub normalisation: Normalisation,
    /// Edge in pixels of the square that was cut around each nucleus.
    pub crop_edge_px: u32,
    /// What stands for pixels outside the field.
    pub padding: Padding,
    /// Width in pixels of the fields in which `crop_edge_px` is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_width_px: Option<u32>,
    /// Size of a pixel of those fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micrometres_per_pixel: Option<f64>,
}

/// The order of the channels of the input tensor.
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
    /// S, the number of statistics; given with their name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistic_count: Option<usize>,
    /// The trunk in other numbers, for machines that are faster with them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variants: BTreeMap<Precision, TrunkVariant>,
}

/// What was measured of one method on cells that its training has not seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Logits are divided by this before the softmax; 1 changes nothing.
    pub temperature: f64,
    /// Cells measured.
    pub cells: usize,
    /// Images that those cells come from.
    pub images: usize,
    /// Smallest and largest value seen of each measure; the paper normalises by them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ranges: BTreeMap<Measure, Range>,
    /// Rules for accepting an answer. Which of them decides unasked: [`Manifest::default_policy`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Policy>,
    /// The policy that decides unasked; absent: none, so that every cell is referred. Format 1 has no such key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_policy: Option<String>,
    /// Which classes cannot be excluded, at several confidences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prediction_sets: Vec<PredictionSets>,
    /// When test-time augmentation may stop before its last view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopping: Option<StoppingRule>,
}

/// How images unlike those of training are told, by the trunk's statistics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutOfDistribution {
    /// The JSON file with an [`OodModel`](uncertainty::ood::OodModel).
    pub file: FileReference,
    /// An image whose p-value is below this, in (0, 1), is referred, whatever the method and the policy say.
    pub refer_below: f64,
    /// The layer that the statistics are of, for readers.
    pub layer: String,
}

impl Trunk {
    /// Name and number of the statistics, when the trunk has them.
    pub fn statistics(&self) -> Option<(&str, usize)> {
        Some((self.statistics.as_deref()?, self.statistic_count?))
    }

    /// The file of the trunk that calculates in these numbers, when there is one.
    pub fn file_of(&self, precision: Precision) -> Option<&FileReference> {
        match precision {
            Precision::Float32 => Some(&self.file),
            other => self.variants.get(&other).map(|variant| &variant.file),
        }
    }

    /// The numbers in which the trunk exists, the original ones first.
    pub fn precisions(&self) -> Vec<Precision> {
        let variants = self.variants.keys().copied();
        std::iter::once(Precision::Float32)
            .chain(variants)
            .collect()
    }
}

impl Manifest {
    /// The methods that this manifest describes, in the order of [`Method::ALL`].
    pub fn offered_methods(&self) -> Vec<Method> {
        Method::ALL
            .into_iter()
            .filter(|method| self.offers(*method))
            .collect()
    }

    /// Whether the bundle answers by this method.
    pub fn offers(&self, method: Method) -> bool {
        match method {
            Method::Baseline => self.methods.baseline.is_some(),
            Method::McDropout => self.methods.mc_dropout.is_some(),
            Method::Ensemble => self.methods.ensemble.is_some(),
            Method::Tta => self.methods.tta.is_some(),
        }
    }

    /// The method whose head answers: augmented views go through the baseline's, unless they have one of their own.
    pub fn head_method(&self, method: Method) -> Method {
        let own = self.methods.tta.as_ref().and_then(|tta| tta.head.as_ref());
        match (method, own) {
            (Method::Tta, None) => Method::Baseline,
            _ => method,
        }
    }

    /// The graph by which a method answers.
    pub fn head(&self, method: Method) -> Option<&Head> {
        let methods = &self.methods;
        match self.head_method(method) {
            Method::Baseline => methods.baseline.as_ref().map(|of| &of.head),
            Method::McDropout => methods.mc_dropout.as_ref().map(|of| &of.head),
            Method::Ensemble => methods.ensemble.as_ref().map(|of| &of.head),
            Method::Tta => methods.tta.as_ref().and_then(|of| of.head.as_ref()),
        }
    }

    /// The methods that this manifest describes and that have a head of their own.
    pub fn methods_with_heads(&self) -> Vec<Method> {
        let mut offered = self.offered_methods();
        offered.retain(|method| self.head_method(*method) == *method);
        offered
    }

    /// Which classes are abnormal, in the order of the scores.
    pub fn abnormal_flags(&self) -> Vec<bool> {
        abnormal_flags(&self.labels)
    }

    /// Which classes are high grade, in the order of the scores; all false where no label says it.
    pub fn high_grade_flags(&self) -> Vec<bool> {
        high_grade_flags(&self.labels)
    }

    /// What a bundle of this kind cannot do that others can, one sentence each, for a warning at the start.
    pub fn lacks(&self) -> Vec<&'static str> {
        let mut lacks = Vec::new();
        if !self.abnormal_flags().contains(&true) {
            lacks.push("no label is `abnormal`: nothing is called normal or abnormal, and no policy can clear normal cells");
        } else if !self.high_grade_flags().contains(&true) {
            lacks.push("no label is `high_grade`: worklists are ordered by P(abnormal), and no policy bounds missed high-grade cells");
        }
        if self.format == FORMAT_1 {
            lacks.push("its format is 1: it has no prediction sets, and its default policy is not a `clear_missed` one");
        }
        lacks
    }

    /// The policy that decides on a method's answers where the request names none.
    ///
    /// Only cells called normal may be accepted unasked, and only with a certificate. From format 2 on the calibration names the
    /// policy, or none, so that every cell is referred. Before it was the first policy that [may be the
    /// default](Policy::may_be_default); where no label is abnormal no cell can be called abnormal, and it is the first policy.
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

    /// Every file that the manifest names.
    pub fn files(&self) -> Vec<&FileReference> {
        let unlike = self.out_of_distribution.as_ref().map(|unlike| &unlike.file);
        self.graphs().into_iter().chain(unlike).collect()
    }

    /// The files that are ONNX models.
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
