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

/// What the model says of each nucleus of a field, in the order in which they were sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = examples::field)]
pub struct FieldAnswer {
    /// The request's id, as in the `X-Request-Id` header and in the log.
    pub request_id: String,
    /// The accession as it was sent; null when none was.
    #[schema(required)]
    pub accession: Option<String>,
    /// What was cut out of what.
    pub field: FieldImage,
    /// The seed that the cells' seeds were made of; send it to get the same answers again.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64, format = Int64)]
    pub seed: u64,
    /// What all answers are to be taken with; empty when there is nothing to say.
    pub warnings: Vec<WarningAnswer>,
    /// One for each nucleus.
    pub cells: Vec<FieldCell>,
    /// All of them at a glance.
    pub summary: CellsOverview,
}

/// A field and the squares cut out of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldImage {
    /// Width in pixels.
    #[schema(minimum = 1, maximum = 1_000_000, format = Int32)]
    pub width: u32,
    /// Height in pixels.
    #[schema(minimum = 1, maximum = 1_000_000, format = Int32)]
    pub height: u32,
    /// Edge in pixels of the field of the square that was cut around each nucleus.
    #[schema(minimum = 1, maximum = 65535, format = Int32)]
    pub crop_edge_px: u32,
}

/// What became of one nucleus: either `prediction` or `problem`; the other is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldCell {
    /// Its place among the nuclei, from 0.
    #[schema(minimum = 0, maximum = 1_000_000, format = Int32)]
    pub index: usize,
    /// Its id as it was sent; null when none was.
    #[schema(required)]
    pub id: Option<String>,
    /// Column in pixels of the field, as it was sent.
    pub x: f64,
    /// Row in pixels of the field, as it was sent.
    pub y: f64,
    /// The answer.
    #[schema(required)]
    pub prediction: Option<PredictionAnswer>,
    /// Why there is none.
    #[schema(required)]
    pub problem: Option<ProblemBody>,
}

/// A field whose cells are asked about.
pub(super) struct AskedField {
    pub(super) image: FieldImage,
    pub(super) seed: u64,
    pub(super) nuclei: Vec<Nucleus>,
}

impl AskedField {
    /// What became of a nucleus; `None` for one that was not sent.
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

    /// Writes an answer that has at most so many bytes, from what became of the nuclei in their order.
    ///
    /// # Errors
    /// 500, when it cannot be written.
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
