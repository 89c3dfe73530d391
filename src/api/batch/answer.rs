//! The JSON of a batch.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::{
    examples, many::CellsOverview, predictions::PredictionAnswer, problem::ProblemBody,
};

/// What the model says of each crop, in the order in which they were sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = examples::batch)]
pub struct BatchAnswer {
    /// The request's id, as in the `X-Request-Id` header and in the log.
    pub request_id: String,
    /// One for each crop.
    pub items: Vec<BatchItem>,
    /// All of them at a glance.
    pub summary: CellsOverview,
}

/// What became of one crop: either `prediction` or `problem`; the other is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BatchItem {
    /// Its place among the crops, from 0.
    #[schema(minimum = 0, maximum = 1_000_000, format = Int32)]
    pub index: usize,
    /// The file name that came with it; null when none did.
    #[schema(required)]
    pub file_name: Option<String>,
    /// The answer.
    #[schema(required)]
    pub prediction: Option<PredictionAnswer>,
    /// Why there is none.
    #[schema(required)]
    pub problem: Option<ProblemBody>,
}
