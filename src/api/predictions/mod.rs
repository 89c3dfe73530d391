//! `POST /v1/predictions`: one cell in, one answer out.

mod accession;
mod answer;
mod convert;
mod create;
mod multipart;
mod query;
mod upload;

pub use answer::{
    ClassProbability, Comparison, DecisionAnswer, ModelReference, OutOfDistribution, PaperScore,
    PaperUncertainty, Predicted, PredictionAnswer, Provenance, SamplesUsed, TimingMs, Uncertainty,
};
pub use convert::{AnswerOptions, prediction_answer};
pub(super) use create::{__path_create_prediction, create_prediction};
pub use query::{Include, PredictionQuery};
pub(super) use upload::MULTIPART_OVERHEAD_BYTES;
pub use upload::MultipartUpload;
