//! Everything that a client may want to know of one model.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ModelSummary, referral::ReferralPolicy};
use crate::api::vocabulary::{MeasureName, MethodName};
use bundle::{Calibration, FileReference, Input, Label, Method, Training};
use engine::LoadedModel;
use uncertainty::{Policy, stopping::StoppingRule};

/// A loaded model in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelDetails {
    /// What the list says of it.
    #[serde(flatten)]
    pub summary: ModelSummary,
    /// What it wants to see.
    pub input: ModelInput,
    /// Its classes, in the order of the probabilities.
    pub labels: Vec<ClassLabel>,
    /// What was measured of each method on cells that the training has not seen.
    pub calibration: Vec<MethodCalibration>,
    /// The rules by which answers are accepted, with their promises. Where none of a method is its default, a request that
    /// names no policy refers every cell.
    pub policies: Vec<ReferralPolicy>,
    /// How images unlike those of training are told; null when they are not.
    #[schema(required)]
    pub out_of_distribution: Option<OutOfDistributionRule>,
    /// Its files.
    pub files: Vec<BundleFile>,
    /// Where the weights come from.
    pub training: ModelTraining,
}

/// What a model wants to see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelInput {
    /// Edge in pixels of the square that the server resizes to.
    #[schema(minimum = 1, maximum = 65535, format = Int32)]
    pub size: u32,
    /// Edge in pixels of the square to cut around a nucleus.
    #[schema(minimum = 1, maximum = 65535, format = Int32)]
    pub crop_edge_px: u32,
    /// Width in pixels of the fields in which `crop_edge_px` is measured; null when unknown.
    #[schema(required, minimum = 1, maximum = 1_000_000, format = Int32)]
    pub source_width_px: Option<u32>,
    /// Size of a pixel of those fields; null when unknown.
    #[schema(required)]
    pub micrometres_per_pixel: Option<f64>,
    /// The arithmetic on the pixels: (value × scale − mean) / std.
    pub normalisation: NormalisationStep,
}

/// (value × scale − mean) / std, for red, green and blue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NormalisationStep {
    /// Factor of the 8-bit value.
    pub scale: f32,
    /// Subtracted from red, green and blue.
    #[schema(min_items = 3, max_items = 3)]
    pub mean: Vec<f32>,
    /// Divides red, green and blue.
    #[schema(min_items = 3, max_items = 3)]
    pub std: Vec<f32>,
}

/// A class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClassLabel {
    /// Its name.
    pub name: String,
    /// Whether it counts as abnormal.
    pub abnormal: bool,
    /// Its SNOMED CT concept; null when the publisher gives none.
    #[schema(required)]
    pub snomed_ct: Option<String>,
    /// Where that concept is said to stand for the class; null when the publisher does not say.
    #[schema(required)]
    pub snomed_ct_source: Option<String>,
}

/// What was measured of one method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MethodCalibration {
    /// The method.
    pub method: MethodName,
    /// Logits are divided by this.
    pub temperature: f64,
    /// Cells measured.
    #[schema(format = Int64, minimum = 0)]
    pub cells: usize,
    /// Images that those cells come from.
    #[schema(format = Int64, minimum = 0)]
    pub images: usize,
    /// The smallest and the largest value of each measure; the normalised scores lie between them.
    pub ranges: Vec<RangeOfMeasure>,
    /// The bundle's rule for when further views would not change the decision; null when it has none for this method.
    #[schema(required)]
    pub stopping: Option<EarlyStopping>,
}

/// When further views would not change the decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EarlyStopping {
    /// Views before the first look.
    #[schema(format = Int64, minimum = 2)]
    pub start: usize,
    /// Views between looks.
    #[schema(format = Int64, minimum = 1)]
    pub step: usize,
    /// Standard errors by which a decision has to be away from changing; null when no number is enough, which takes all views.
    #[schema(required, minimum = 0)]
    pub lambda: Option<f64>,
}

/// The values that a measure took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RangeOfMeasure {
    /// The measure.
    pub measure: MeasureName,
    /// The smallest value.
    pub minimum: f64,
    /// The largest value.
    pub maximum: f64,
}

/// How images unlike those of training are told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OutOfDistributionRule {
    /// The layer of the network whose statistics are compared.
    pub layer: String,
    /// An image whose p-value is below this is referred, whatever the method and the policy say.
    pub refer_below: f64,
    /// Cells, unseen in training, that an image is compared with; no p-value is below 1 / (this + 1).
    #[schema(format = Int64, minimum = 1)]
    pub calibration_cells: usize,
}

/// A file of the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BundleFile {
    /// Its name.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// Where the weights come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelTraining {
    /// The data, with attribution.
    pub data: String,
    /// Revision of the program that trained it.
    pub commit: String,
    /// Cells trained on.
    #[schema(format = Int64, minimum = 0)]
    pub cells: usize,
    /// Images that those cells come from.
    #[schema(format = Int64, minimum = 0)]
    pub images: usize,
}

impl ModelDetails {
    pub(super) fn of(model: &LoadedModel) -> Self {
        let manifest = model.manifest();
        let calibration = || manifest.calibration.iter();
        let policies = calibration().flat_map(|(method, measured)| {
            let default = manifest.default_policy(*method);
            let of = move |policy: &Policy| {
                let is_default = default.is_some_and(|default| std::ptr::eq(default, policy));
                ReferralPolicy::of(*method, policy, is_default)
            };
            measured.policies.iter().map(of)
        });
        Self {
            summary: ModelSummary::of(model),
            input: ModelInput::of(&manifest.input),
            labels: manifest.labels.iter().map(ClassLabel::of).collect(),
            calibration: calibration()
                .map(|(method, measured)| MethodCalibration::of(*method, measured))
                .collect(),
            policies: policies.collect(),
            out_of_distribution: OutOfDistributionRule::of(model),
            files: model.files().into_iter().map(BundleFile::of).collect(),
            training: ModelTraining::of(&manifest.training),
        }
    }
}

impl ModelInput {
    fn of(input: &Input) -> Self {
        let normalisation = &input.normalisation;
        Self {
            size: input.size,
            crop_edge_px: input.crop_edge_px,
            source_width_px: input.source_width_px,
            micrometres_per_pixel: input.micrometres_per_pixel,
            normalisation: NormalisationStep {
                scale: normalisation.scale,
                mean: normalisation.mean.to_vec(),
                std: normalisation.std.to_vec(),
            },
        }
    }
}

impl ClassLabel {
    fn of(label: &Label) -> Self {
        Self {
            name: label.name.clone(),
            abnormal: label.abnormal,
            snomed_ct: label.snomed_ct.clone(),
            snomed_ct_source: label.snomed_ct_source.clone(),
        }
    }
}

impl MethodCalibration {
    fn of(method: Method, measured: &Calibration) -> Self {
        let ranges = measured.ranges.iter();
        let range_of =
            |(measure, range): (&uncertainty::Measure, &uncertainty::Range)| RangeOfMeasure {
                measure: (*measure).into(),
                minimum: range.minimum,
                maximum: range.maximum,
            };
        Self {
            method: method.into(),
            temperature: measured.temperature,
            cells: measured.cells,
            images: measured.images,
            ranges: ranges.map(range_of).collect(),
            stopping: measured.stopping.as_ref().map(EarlyStopping::of),
        }
    }
}

impl EarlyStopping {
    fn of(rule: &StoppingRule) -> Self {
        Self {
            start: rule.start,
            step: rule.step,
            // JSON has no infinity.
            lambda: Some(rule.lambda).filter(|lambda| lambda.is_finite()),
        }
    }
}

impl OutOfDistributionRule {
    fn of(model: &LoadedModel) -> Option<Self> {
        let rule = model.manifest().out_of_distribution.as_ref()?;
        let calibration = &model.out_of_distribution()?.calibration_scores;
        Some(Self {
            layer: rule.layer.clone(),
            refer_below: rule.refer_below,
            calibration_cells: calibration.len(),
        })
    }
}

impl BundleFile {
    fn of(file: &FileReference) -> Self {
        Self {
            name: file.name.clone(),
            sha256: file.sha256.clone(),
        }
    }
}

impl ModelTraining {
    fn of(training: &Training) -> Self {
        Self {
            data: training.data.clone(),
            commit: training.commit.clone(),
            cells: training.cells,
            images: training.images,
        }
    }
}
