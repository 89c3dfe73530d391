//! The JSON of an answer. Names and shape are part of the interface: members may be added, and are
//! never renamed or left out. An undefined value is null.

mod cells;
mod convert;
mod overview;
mod prediction_set;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) use cells::{CellOutcome, CellResponder, answer_in_order, stream_lines};
pub use convert::{AnswerOptions, prediction_answer};
pub(super) use convert::{digest_of, milliseconds};
pub use overview::{CellReference, CellsOfClass, CellsOverview};
pub use prediction_set::{AbnormalitySet, GradeSet, PredictionSetAnswer};

use super::{
    examples,
    vocabulary::{AcceptedAsName, ActionName, MethodName, PrecisionName, ReasonName, TriageName},
};

/// The answer for one cell, with its uncertainties and a decision. It is a suggestion for a
/// professional, not a diagnosis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = examples::prediction)]
pub struct PredictionAnswer {
    /// Digest of the question: image, accession, model, methods, seed and options. The same
    /// question has the same id on every server.
    pub id: String,
    /// The request's id, as in the `X-Request-Id` header and in the log.
    pub request_id: String,
    /// The accession of the request; null if it had none.
    #[schema(required)]
    pub accession: Option<String>,
    /// The model that answered.
    pub model: ModelReference,
    /// The method of this answer.
    pub method: MethodName,
    /// The most probable class.
    pub prediction: Predicted,
    /// Every class, in the model's order.
    pub probabilities: Vec<ClassProbability>,
    /// Measures of uncertainty.
    pub uncertainty: Uncertainty,
    /// The samples behind the answer.
    pub samples: SamplesUsed,
    /// How unlike the training images this one is; null if the model has no such score.
    #[schema(required)]
    pub ood: Option<OutOfDistributionAnswer>,
    /// The classes that cannot be excluded; null if the model has no prediction sets.
    #[schema(required)]
    pub prediction_set: Option<PredictionSetAnswer>,
    /// The decision: accept, or refer to a person.
    pub decision: DecisionAnswer,
    /// Warnings; empty if there are none.
    pub warnings: Vec<WarningAnswer>,
    /// The answers of the methods in `compare`, in that order.
    pub comparisons: Vec<Comparison>,
    /// What is needed to get the same answer again.
    pub provenance: Provenance,
    /// Durations.
    pub timing_ms: TimingMs,
}

/// The answer of a further method for the same cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Comparison {
    /// The method.
    pub method: MethodName,
    /// The most probable class.
    pub prediction: Predicted,
    /// Every class, in the model's order.
    pub probabilities: Vec<ClassProbability>,
    /// Measures of uncertainty.
    pub uncertainty: Uncertainty,
    /// The samples behind the answer.
    pub samples: SamplesUsed,
    /// The classes that cannot be excluded; null if the model has no prediction sets.
    #[schema(required)]
    pub prediction_set: Option<PredictionSetAnswer>,
    /// The decision: accept, or refer to a person.
    pub decision: DecisionAnswer,
}

/// A model by name and digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelReference {
    /// Its name.
    pub name: String,
    /// The publisher's version.
    pub version: String,
    /// SHA-256 of its manifest, which has the digests of all its files.
    pub sha256: String,
}

/// The most probable class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Predicted {
    /// Its name.
    pub label: String,
    /// Index among the model's classes, from 0.
    #[schema(minimum = 0, maximum = 65535, format = Int32)]
    pub index: usize,
    /// Its mean probability.
    #[schema(minimum = 0, maximum = 1)]
    pub probability: f64,
    /// The mean probability of all abnormal classes together.
    #[schema(minimum = 0, maximum = 1)]
    pub abnormal_probability: f64,
}

/// One class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClassProbability {
    /// Its name.
    pub label: String,
    /// Its mean probability.
    #[schema(minimum = 0, maximum = 1)]
    pub probability: f64,
    /// Unbiased standard deviation of its probability over the samples; null for a single sample.
    #[schema(required)]
    pub std: Option<f64>,
}

/// Measures of uncertainty. A larger value means less certain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Uncertainty {
    /// Entropy of the mean probabilities, in nats.
    pub predictive_entropy: f64,
    /// Mean entropy of the samples, in nats.
    pub expected_entropy: f64,
    /// Predictive minus expected entropy, in nats: how much the samples disagree.
    pub mutual_information: f64,
    /// Entropy of the abnormal probability and its complement, in nats; null for a model whose
    /// classes are all normal or all abnormal.
    #[schema(required)]
    pub abnormal_entropy: Option<f64>,
    /// Share of the samples whose most probable class is not the modal one.
    pub variation_ratio: f64,
    /// Unbiased variance of the predicted class' probability; null for a single sample.
    #[schema(required)]
    pub variance: Option<f64>,
    /// The three scores of Ojha & Narendra (MIDL 2024).
    pub paper: PaperUncertainty,
}

/// The three scores of the paper, kept so that its figures can be reproduced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PaperUncertainty {
    /// 1000 × variance.
    pub variance: PaperScore,
    /// −Σ p log2 p of the predicted class over the samples, in bits; it peaks at p = 1/e.
    pub entropy: PaperScore,
    /// 1 − 2 (s − ½)², s the mean probability of the predicted class; it falls again below s = ½.
    pub sample_mean: PaperScore,
}

/// A score of the paper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PaperScore {
    /// The score; null if it is undefined.
    #[schema(required)]
    pub value: Option<f64>,
    /// The score relative to the range of the calibration cells, clipped to [0, 1]; null without
    /// calibration.
    #[schema(required, minimum = 0, maximum = 1)]
    pub normalised: Option<f64>,
}

/// The samples behind an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SamplesUsed {
    /// Number of samples that were requested.
    #[schema(minimum = 1, maximum = 65535, format = Int32)]
    pub requested: usize,
    /// Number of samples that were drawn.
    #[schema(minimum = 1, maximum = 65535, format = Int32)]
    pub used: usize,
    /// Whether sampling stopped early because the decision was settled.
    pub stopped_early: bool,
    /// Class probabilities, one row per sample; null without `include=samples`.
    #[schema(required)]
    pub values: Option<Vec<Vec<f64>>>,
    /// The augmented views in the order of the samples, as the model saw them: PNG files in base64.
    /// Null without `include=views`, and for every method but `tta`.
    #[schema(required)]
    pub views: Option<Vec<String>>,
}

/// How unlike the training images this one is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = OutOfDistribution)]
pub struct OutOfDistributionAnswer {
    /// Mahalanobis distance between the statistics of the image and those of the training images.
    #[schema(minimum = 0)]
    pub score: f64,
    /// Share of calibration cells that are at least as unlike, with each calibration image counted
    /// once and this image counted among them. A small value means unlike.
    #[schema(minimum = 0, maximum = 1)]
    pub p_value: f64,
}

/// The decision: accept, or refer to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DecisionAnswer {
    /// Accept, or refer to a person.
    pub action: ActionName,
    /// The policy that decided; null if none did.
    #[schema(required)]
    pub policy: Option<String>,
    /// The question that was decided; null if no policy decided, or if the policy has no kind.
    #[schema(required)]
    pub question: Option<String>,
    /// How soon a person should look at the cell. Worklists are in this order.
    pub triage: TriageName,
    /// What an accepted answer stands for; null if it is referred, or if the policy does not say.
    #[schema(required)]
    pub accepted_as: Option<AcceptedAsName>,
    /// Why a person has to look, `abnormal` first; empty if the answer is accepted.
    pub reasons: Vec<ReasonName>,
}

/// A problem of the upload that makes the answer less reliable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Warning)]
pub struct WarningAnswer {
    /// What it is about. Compare this, not the text.
    pub code: WarningCode,
    /// What was found and what to do.
    pub detail: String,
}

/// What a warning is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// The crop does not have the size of the training crops.
    CropSize,
    /// A policy decided with another number of samples than it was calibrated with, so its promise
    /// does not hold.
    Passes,
    /// The request has no scale, and the width of the field differs from that of the training
    /// fields.
    ScaleAssumed,
}

/// What is needed to get the same answer again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Provenance {
    /// The seed of every random choice.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64, format = Int64)]
    pub seed: u64,
    /// Execution provider: `cpu` or `cuda:N`.
    pub execution_provider: String,
    /// The numbers in which the trunk calculated; null for a model without a trunk.
    pub trunk_precision: Option<PrecisionName>,
    /// Name and version of this program.
    pub software: String,
}

/// Durations in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TimingMs {
    /// Wait for a free worker.
    pub queue: f64,
    /// From the encoded bytes to the input tensor.
    pub decode: f64,
    /// Inference in ONNX Runtime.
    pub inference: f64,
    /// From the call of the engine to its answer.
    pub total: f64,
}
