//! An answer, from the engine's words to its JSON. Names and shape are part of the interface: members are added, never renamed or left out; what
//! is undefined is null.

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

/// What the model says of one cell, and how far it can be trusted. A suggestion, not a diagnosis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = examples::prediction)]
pub struct PredictionAnswer {
    /// A digest of the question: image, accession, model, methods, seed and options. The same question has the same id, on every
    /// server.
    pub id: String,
    /// The request's id, as in the `X-Request-Id` header and in the log.
    pub request_id: String,
    /// The accession as it was sent; null when none was.
    #[schema(required)]
    pub accession: Option<String>,
    /// The model that answered.
    pub model: ModelReference,
    /// The method that made this answer.
    pub method: MethodName,
    /// The most probable class.
    pub prediction: Predicted,
    /// Every class, in the model's order.
    pub probabilities: Vec<ClassProbability>,
    /// How unsure the answer is.
    pub uncertainty: Uncertainty,
    /// The samples behind the answer.
    pub samples: SamplesUsed,
    /// How unlike the training's images this one is; null when the model has no such score.
    #[schema(required)]
    pub ood: Option<OutOfDistributionAnswer>,
    /// The classes that cannot be excluded; null when the model has no such sets.
    #[schema(required)]
    pub prediction_set: Option<PredictionSetAnswer>,
    /// Whether a person has to look.
    pub decision: DecisionAnswer,
    /// What the answer is to be taken with; empty when there is nothing to say.
    pub warnings: Vec<WarningAnswer>,
    /// The answers by the methods of `compare`, in that order.
    pub comparisons: Vec<Comparison>,
    /// What is needed to get the same answer again.
    pub provenance: Provenance,
    /// How long the parts took.
    pub timing_ms: TimingMs,
}

/// What a further method says of the same cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Comparison {
    /// The method.
    pub method: MethodName,
    /// The most probable class.
    pub prediction: Predicted,
    /// Every class, in the model's order.
    pub probabilities: Vec<ClassProbability>,
    /// How unsure the answer is.
    pub uncertainty: Uncertainty,
    /// The samples behind the answer.
    pub samples: SamplesUsed,
    /// The classes that cannot be excluded; null when the model has no such sets.
    #[schema(required)]
    pub prediction_set: Option<PredictionSetAnswer>,
    /// Whether a person has to look.
    pub decision: DecisionAnswer,
}

/// A model by name and digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelReference {
    /// Its name.
    pub name: String,
    /// The publisher's version.
    pub version: String,
    /// SHA-256 of its manifest, which holds the digests of all its files.
    pub sha256: String,
}

/// The most probable class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Predicted {
    /// Its name.
    pub label: String,
    /// Its place among the model's classes, from 0.
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

/// How unsure an answer is; more is less sure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Uncertainty {
    /// Entropy of the mean probabilities, in nats.
    pub predictive_entropy: f64,
    /// Mean entropy of the samples, in nats.
    pub expected_entropy: f64,
    /// Predictive minus expected entropy, in nats: what the samples disagree about.
    pub mutual_information: f64,
    /// Entropy of the abnormal probability and its complement, in nats; null for a model whose classes are all normal or
    /// all abnormal.
    #[schema(required)]
    pub abnormal_entropy: Option<f64>,
    /// Share of the samples that did not vote for the modal class.
    pub variation_ratio: f64,
    /// Unbiased variance of the predicted class' probability; null for a single sample.
    #[schema(required)]
    pub variance: Option<f64>,
    /// The three scores of Ojha & Narendra (MIDL 2024).
    pub paper: PaperUncertainty,
}

/// The three scores of the publication, kept so that its figures can be made again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PaperUncertainty {
    /// 1000 × variance.
    pub variance: PaperScore,
    /// −Σ p log2 p of the predicted class over the samples, in bits; it peaks at p = 1/e.
    pub entropy: PaperScore,
    /// 1 − 2 (s − ½)², s the mean probability of the predicted class; it falls again below s = ½.
    pub sample_mean: PaperScore,
}

/// A score of the publication.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PaperScore {
    /// As computed; null where it is undefined.
    #[schema(required)]
    pub value: Option<f64>,
    /// Between the smallest and the largest value of the calibration cells, clipped to [0, 1]; null without calibration.
    #[schema(required, minimum = 0, maximum = 1)]
    pub normalised: Option<f64>,
}

/// The samples behind an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SamplesUsed {
    /// How many were asked for.
    #[schema(minimum = 1, maximum = 65535, format = Int32)]
    pub requested: usize,
    /// How many were drawn.
    #[schema(minimum = 1, maximum = 65535, format = Int32)]
    pub used: usize,
    /// Whether the decision was settled before all were drawn.
    pub stopped_early: bool,
    /// Class probabilities, one row per sample; null unless `include=samples`.
    #[schema(required)]
    pub values: Option<Vec<Vec<f64>>>,
    /// The augmented views behind the samples, in their order, as the model was shown them: PNG files in base64. Null unless
    /// `include=views`, and for every method but test-time augmentation.
    #[schema(required)]
    pub views: Option<Vec<String>>,
}

/// How unlike the training's images this one is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = OutOfDistribution)]
pub struct OutOfDistributionAnswer {
    /// Mahalanobis distance of the image's statistics from those of training.
    #[schema(minimum = 0)]
    pub score: f64,
    /// Share of calibration cells that are at least as unlike, every image of them counting once and this one counted among them; small
    /// is unlike.
    #[schema(minimum = 0, maximum = 1)]
    pub p_value: f64,
}

/// Whether a person has to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DecisionAnswer {
    /// Accept, or refer for a second look.
    pub action: ActionName,
    /// The policy that decided; null when there is none.
    #[schema(required)]
    pub policy: Option<String>,
    /// What was decided, as a question; null when no policy decided, or when its kind is not said.
    #[schema(required)]
    pub question: Option<String>,
    /// How soon a person should look; a worklist is in this order.
    pub triage: TriageName,
    /// What an accepted answer stands for; null when it is referred, or when the policy does not say.
    #[schema(required)]
    pub accepted_as: Option<AcceptedAsName>,
    /// Why a person has to look, `abnormal` first; empty when the answer is accepted.
    pub reasons: Vec<ReasonName>,
}

/// Something about what was sent that makes the answer worth less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Warning)]
pub struct WarningAnswer {
    /// What it is about; compare this, not the text.
    pub code: WarningCode,
    /// What was found and what to do.
    pub detail: String,
}

/// What a warning is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// The crop does not have the size of those that the model was trained on.
    CropSize,
    /// A policy decided on another number of samples than it was calibrated with, so that its promise does not hold.
    Passes,
    /// Nobody gave the scale of the field, and its width is not that of the model's fields.
    ScaleAssumed,
}

/// What is needed to get the same answer again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Provenance {
    /// The seed of every random choice.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64, format = Int64)]
    pub seed: u64,
    /// What ran the model: `cpu` or `cuda:N`.
    pub execution_provider: String,
    /// The numbers in which the trunk calculated; null for a model without a trunk.
    pub trunk_precision: Option<PrecisionName>,
    /// Name and version of this program.
    pub software: String,
}

/// How long the parts took, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TimingMs {
    /// Waiting for a free worker.
    pub queue: f64,
    /// From encoded bytes to input tensor.
    pub decode: f64,
    /// Inside the runtime.
    pub inference: f64,
    /// From the engine's call to its answer.
    pub total: f64,
}
