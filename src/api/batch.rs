//! `POST /v1/predictions:batch`: an answer or a problem for each of many crops.

use axum::{
    Extension,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    accept::{AnswerForm, written_as},
    answer::{CellOutcome, CellResponder, CellsOverview, PredictionAnswer, answer_in_order},
    examples,
    fhir::{self, FhirBundle, ObservedCell},
    head::{RequestHead, RequestHeaders},
    problem::{Problem, ProblemBody, UploadProblems},
    query::PredictionQuery,
    service::Service,
    upload::{FormParts, ImageBytes, Upload},
};
use engine::Subject;

/// A form with many images.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(
    dead_code,
    reason = "only its description is used: the form is read part by part"
)]
pub struct MultipartBatch {
    /// The encoded crops, one part `image` for each. The first bytes of each decide its format.
    #[schema(min_items = 1)]
    image: Vec<ImageBytes>,
    /// Identifier of the specimen. It is copied to the answers and never logged.
    #[schema(nullable = false, max_length = 256)]
    accession: Option<String>,
}

/// The answers for the crops, in the order in which they were sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = examples::batch)]
pub struct BatchAnswer {
    /// The request's id, as in the `X-Request-Id` header and in the log.
    pub request_id: String,
    /// One item for each crop.
    pub items: Vec<BatchItem>,
    /// Summary of all crops.
    pub summary: CellsOverview,
}

/// The result for one crop: `prediction` or `problem`; the other one is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BatchItem {
    /// Position among the crops, from 0.
    #[schema(minimum = 0, maximum = 1_000_000, format = Int32)]
    pub index: usize,
    /// File name of the part; null if it has none.
    #[schema(required)]
    pub file_name: Option<String>,
    /// The answer.
    #[schema(required)]
    pub prediction: Option<PredictionAnswer>,
    /// The reason why there is no answer.
    #[schema(required)]
    pub problem: Option<ProblemBody>,
}

/// Classify many cells
///
/// Takes a form with one part `image` for each crop and answers in their order. A crop that cannot
/// be processed has a `problem` of its own, and the others continue. Each crop gets the same answer
/// as alone. `priority` is `bulk` by default. With `Accept: application/fhir+json` the answer is a
/// FHIR R4 `Bundle` with one `Observation` for each crop.
#[utoipa::path(
    post,
    path = "/v1/predictions:batch",
    operation_id = "createPredictions",
    tag = "predictions",
    params(
        PredictionQuery,
        RequestHeaders,
    ),
    request_body(content((MultipartBatch = "multipart/form-data"))),
    responses(
        (status = 200, description = "An answer or a problem for each crop", content(
            (BatchAnswer = "application/json"),
            (FhirBundle = "application/fhir+json"),
        )),
        UploadProblems,
    ),
)]
pub(super) async fn create_predictions(
    State(service): State<Service>,
    query: PredictionQuery,
    request: Request,
) -> Result<Response, Problem> {
    let offered = [AnswerForm::Json, AnswerForm::Fhir];
    let head = RequestHead::new(&service, &request, &offered, query.or_bulk())?;
    let share = service.large_uploads.share();
    let upload = Upload::of_form(request, FormParts::Cells, &service, &share).await?;
    let most_bytes = head.check_answer(&service, upload.images.len())?;
    let _turn = service.turn().await?;
    let responder = CellResponder {
        options: head.options(upload.accession)?,
        warning: None,
    };
    let images = upload.images.into_iter();
    let (names, cells): (Vec<_>, Vec<_>) = images
        .map(|image| (image.file_name, image.bytes.map(Subject::from)))
        .unzip();
    let (outcomes, findings) =
        answer_in_order(&service.engine, &head.plan, &responder, cells).await;

    let labels = &head.plan.model().manifest().labels;
    let response = if head.form == AnswerForm::Fhir {
        let cells = names.iter().map(|name| ObservedCell {
            name: name.as_deref(),
            position: None,
        });
        let bundle = fhir::bundle(cells.zip(outcomes), labels, &findings);
        written_as(head.form, most_bytes, bundle).await?
    } else {
        let name_of = |index: usize| names.get(index).cloned().flatten();
        let answer = BatchAnswer {
            request_id: responder.options.request_id,
            summary: CellsOverview::of(labels, names.len(), &findings, name_of),
            items: names
                .into_iter()
                .zip(outcomes)
                .enumerate()
                .map(item)
                .collect(),
        };
        written_as(head.form, most_bytes, answer).await?
    };
    Ok((Extension(head.answered_by()), response).into_response())
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
