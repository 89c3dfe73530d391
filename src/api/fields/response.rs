//! The JSON of a field.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::{
    accept::{AnswerForm, written_as},
    answer::{CellOutcome, CellResponder, CellsOverview, PredictionAnswer, WarningAnswer},
    examples,
    fhir::{self, ObservedCell},
    head::RequestHead,
    problem::{Problem, ProblemBody},
    upload::Nucleus,
};
use engine::CellFinding;

/// The answers for the nuclei of a field, in the order in which they were sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = examples::field)]
pub struct FieldAnswer {
    /// The request's id, as in the `X-Request-Id` header and in the log.
    pub request_id: String,
    /// The accession of the request; null if it had none.
    #[schema(required)]
    pub accession: Option<String>,
    /// The field and the crops.
    pub field: FieldImage,
    /// The seed that the cells' seeds are derived from. Send it to get the same answers again.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64, format = Int64)]
    pub seed: u64,
    /// Warnings about all answers; empty if there are none.
    pub warnings: Vec<WarningAnswer>,
    /// One entry for each nucleus.
    pub cells: Vec<FieldCell>,
    /// Summary of all cells.
    pub summary: CellsOverview,
}

/// A field and the squares cropped from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldImage {
    /// Width in pixels.
    #[schema(minimum = 1, maximum = 1_000_000, format = Int32)]
    pub width: u32,
    /// Height in pixels.
    #[schema(minimum = 1, maximum = 1_000_000, format = Int32)]
    pub height: u32,
    /// Edge in pixels of the square that was cropped around each nucleus.
    #[schema(minimum = 1, maximum = 65535, format = Int32)]
    pub crop_edge_px: u32,
}

/// The result for one nucleus: `prediction` or `problem`; the other one is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldCell {
    /// Position among the nuclei, from 0.
    #[schema(minimum = 0, maximum = 1_000_000, format = Int32)]
    pub index: usize,
    /// The id of the request; null if it had none.
    #[schema(required)]
    pub id: Option<String>,
    /// Column in pixels of the field, as in the request.
    pub x: f64,
    /// Row in pixels of the field, as in the request.
    pub y: f64,
    /// The answer.
    #[schema(required)]
    pub prediction: Option<PredictionAnswer>,
    /// The reason why there is no answer.
    #[schema(required)]
    pub problem: Option<ProblemBody>,
}

/// The field of a request.
pub(super) struct AskedField {
    pub(super) image: FieldImage,
    pub(super) seed: u64,
    pub(super) nuclei: Vec<Nucleus>,
}

impl AskedField {
    /// The result for a nucleus; `None` for an index without one.
    pub(super) fn cell(&self, index: usize, outcome: CellOutcome) -> Option<FieldCell> {
        let nucleus = self.nuclei.get(index)?;
        let (prediction, problem) = outcome.into_members();
        Some(FieldCell {
            index,
            id: nucleus.id.clone(),
            x: nucleus.x,
            y: nucleus.y,
            prediction,
            problem,
        })
    }

    /// Writes an answer of at most `most_bytes` from the results in the order of the nuclei.
    ///
    /// # Errors
    /// 500 if it cannot be written.
    pub(super) async fn write(
        self,
        head: &RequestHead,
        responder: CellResponder,
        (outcomes, findings): (Vec<CellOutcome>, Vec<CellFinding>),
        most_bytes: usize,
    ) -> Result<Response, Problem> {
        let labels = &head.plan.model().manifest().labels;
        let nuclei = &self.nuclei;
        if head.form == AnswerForm::Fhir {
            let cells = nuclei.iter().map(|nucleus| ObservedCell {
                name: nucleus.id.as_deref(),
                position: Some((nucleus.x, nucleus.y)),
            });
            let bundle = fhir::bundle(cells.zip(outcomes), labels, &findings);
            return written_as(head.form, most_bytes, bundle).await;
        }
        let name_of = |index: usize| nuclei.get(index)?.id.clone();
        let summary = CellsOverview::of(labels, nuclei.len(), &findings, name_of);
        let outcomes = outcomes.into_iter().enumerate();
        let cells = outcomes.filter_map(|(index, outcome)| self.cell(index, outcome));
        let answer = FieldAnswer {
            request_id: responder.options.request_id,
            accession: responder.options.accession,
            seed: self.seed,
            warnings: responder.warning.iter().map(WarningAnswer::from).collect(),
            cells: cells.collect(),
            summary,
            field: self.image,
        };
        written_as(head.form, most_bytes, answer).await
    }
}
