//! `POST /v1/predictions`: one cell in, one answer out.

mod accession;
mod answer;
mod convert;
mod create;
mod identity;
mod multipart;
mod query;
mod upload;

pub(super) use accession::{
    checked as checked_accession, of_headers as accession_of_headers, of_part as accession_of_part,
};
pub use answer::{
    ClassProbability, Comparison, DecisionAnswer, ModelReference, OutOfDistribution, PaperScore,
    PaperUncertainty, Predicted, PredictionAnswer, Provenance, SamplesUsed, TimingMs, Uncertainty,
    WarningAnswer, WarningCode,
};
pub(super) use convert::milliseconds;
pub use convert::{AnswerOptions, prediction_answer};
pub(super) use create::{__path_create_prediction, create_prediction};
pub use identity::ImageIdentity;
pub use query::{Include, PredictionQuery};
pub use upload::MultipartUpload;
pub(super) use upload::{missing as image_missing, too_large as image_too_large};
