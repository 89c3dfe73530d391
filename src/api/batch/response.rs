//! The JSON of a batch.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::{
    accept::AnswerForm,
    answer::{CellOutcome, CellsOverview, PredictionAnswer, written_as},
    examples,
    fhir::{self, ObservedCell},
    problem::{Problem, ProblemBody},
};
use bundle::Label;
use engine::CellFinding;

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

/// What became of the crops, in their order, and what they are called.
pub(super) struct AnsweredCrops {
    pub(super) file_names: Vec<Option<String>>,
    pub(super) outcomes: Vec<CellOutcome>,
    pub(super) findings: Vec<CellFinding>,
}

impl AnsweredCrops {
    /// Writes an answer that has at most so many bytes. `labels` are the model's.
    ///
    /// # Errors
    /// 500, when it cannot be written.
    pub(super) async fn write(
        self,
        form: AnswerForm,
        request_id: String,
        labels: &[Label],
        most_bytes: usize,
    ) -> Result<Response, Problem> {
        if form == AnswerForm::Fhir {
            let cells = self.file_names.iter().map(|name| ObservedCell {
                name: name.as_deref(),
                position: None,
            });
            let bundle = fhir::bundle(cells.zip(self.outcomes), labels, &self.findings);
            return written_as(form, most_bytes, bundle).await;
        }
        let names = &self.file_names;
        let summary = CellsOverview::of(labels, names.len(), &self.findings, |index| {
            names.get(index).cloned().flatten()
        });
        let items = self.file_names.into_iter().zip(self.outcomes).enumerate();
        let answer = BatchAnswer {
            request_id,
            items: items.map(item).collect(),
            summary,
        };
        written_as(form, most_bytes, answer).await
    }
}

fn item((index, (file_name, outcome)): (usize, (Option<String>, CellOutcome))) -> BatchItem {
    let (prediction, problem) = outcome.into_members();
    BatchItem {
        index,
        file_name,
        prediction,
        problem,
    }
}
