//! The JSON of the loaded models.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::calibration::{MethodCalibration, OutOfDistributionRule, ReferralPolicy};
use crate::api::vocabulary::MethodName;
use bundle::{FileReference, Input, Label, Training};
use engine::LoadedModel;
use uncertainty::Policy;

/// The loaded models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelList {
    /// The loaded models. The first one answers requests that name none.
    pub models: Vec<ModelSummary>,
}

/// A loaded model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelSummary {
    /// Its name.
    pub name: String,
    /// The publisher's version.
    pub version: String,
    /// Whether it is ready to answer.
    pub ready: bool,
    /// Its methods. The first is used if a request names none.
    pub methods: Vec<MethodName>,
    /// A description of one sentence.
    pub description: String,
    /// Licence of the weights.
    pub licence: String,
    /// SHA-256 of its manifest, which has the digests of all its files.
    pub sha256: String,
    /// Execution provider: `cpu` or `cuda:N`.
    pub execution_provider: String,
}

impl ModelSummary {
    pub(super) fn of(model: &LoadedModel) -> Self {
        let manifest = model.manifest();
        Self {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            // The engine lists a model only after every worker has loaded and tested it.
            ready: true,
            methods: model.methods().into_iter().map(MethodName::from).collect(),
            description: manifest.description.clone(),
            licence: manifest.licence.clone(),
            sha256: model.digest().to_owned(),
            execution_provider: model.execution_provider().to_owned(),
        }
    }
}

/// A loaded model with all details.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelDetails {
    /// The same members as in the list.
    #[serde(flatten)]
    pub summary: ModelSummary,
    /// Its input.
    pub input: ModelInput,
    /// Its classes, in the order of the probabilities.
    pub labels: Vec<ClassLabel>,
    /// The calibration of each method, on cells that were not used in training.
    pub calibration: Vec<MethodCalibration>,
    /// Its referral policies. If none of a method is the default, a request that names no policy
    /// refers every cell.
    pub policies: Vec<ReferralPolicy>,
    /// The rule for images that are unlike the training images; null if there is none.
    #[schema(required)]
    pub out_of_distribution: Option<OutOfDistributionRule>,
    /// Its files.
    pub files: Vec<BundleFile>,
    /// Origin of the weights.
    pub training: ModelTraining,
    /// Features that this model lacks, one sentence each.
    pub lacks: Vec<String>,
}

/// The input of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelInput {
    /// Edge in pixels of the square that the server resizes each image to.
    #[schema(minimum = 1, maximum = 65535, format = Int32)]
    pub size: u32,
    /// Edge in pixels of the square to crop around a nucleus.
    #[schema(minimum = 1, maximum = 65535, format = Int32)]
    pub crop_edge_px: u32,
    /// Width in pixels of the fields that `crop_edge_px` refers to; null if unknown.
    #[schema(required, minimum = 1, maximum = 1_000_000, format = Int32)]
    pub source_width_px: Option<u32>,
    /// Size in micrometres of a pixel of those fields; null if unknown.
    #[schema(required)]
    pub micrometres_per_pixel: Option<f64>,
    /// Normalisation of the pixels: (value × scale − mean) / std.
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
    /// Whether it counts as high grade; null if the publisher does not say.
    #[schema(required)]
    pub high_grade: Option<bool>,
    /// Severity, 0 being the least; null if the publisher does not say.
    #[schema(required, format = Int32, minimum = 0)]
    pub severity: Option<u32>,
    /// Its SNOMED CT concept; null if the publisher gives none.
    #[schema(required)]
    pub snomed_ct: Option<String>,
    /// Source for that concept; null if the publisher does not say.
    #[schema(required)]
    pub snomed_ct_source: Option<String>,
}

/// A file of the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BundleFile {
    /// Its name.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// Origin of the weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelTraining {
    /// The data set, with attribution.
    pub data: String,
    /// Revision of the program that trained it.
    pub commit: String,
    /// Number of training cells.
    #[schema(format = Int64, minimum = 0)]
    pub cells: usize,
    /// Number of images that those cells come from.
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
            lacks: manifest.lacks().into_iter().map(str::to_owned).collect(),
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
            high_grade: label.high_grade,
            severity: label.severity,
            snomed_ct: label.snomed_ct.clone(),
            snomed_ct_source: label.snomed_ct_source.clone(),
        }
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
