//! The handler of `POST /v1/predictions:batch`.

use axum::{
    Extension, Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};

use super::{
    answer::{BatchAnswer, BatchItem},
    upload::{Batch, Item, MultipartBatch},
};
use crate::api::{
    accept::AnswerForm,
    call::{Call, CallHeaders},
    fhir::{self, Cell, FhirBundle, FhirJson},
    many::{CellsOverview, Judge, Outcome, answer_in_order},
    middleware::{AnsweredBy, Deadline, RequestId},
    openapi::UploadProblems,
    predictions::{ImageIdentity, PredictionQuery},
    problem::Problem,
    service::Service,
    written::written,
};
use engine::PredictRequest;

/// Classify many cells
///
/// Takes a form with a part `image` for each crop and answers in their order. A crop that cannot be answered carries its own
/// problem, and the others go on. Each answer is the one that the crop would get alone. `priority` is `bulk` unless it is
/// given. With `Accept: application/fhir+json` the answer is a `Bundle` of FHIR R4 with an `Observation` for each.
#[utoipa::path(
    post,
    path = "/v1/predictions:batch",
    operation_id = "createPredictions",
    tag = "predictions",
    params(
        PredictionQuery,
        CallHeaders,
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
pub(in crate::api) async fn create_predictions(
    State(service): State<Service>,
    Extension(request_id): Extension<RequestId>,
    Extension(deadline): Extension<Deadline>,
    query: PredictionQuery,
    request: Request,
) -> Result<Response, Problem> {
    let offered = [AnswerForm::Json, AnswerForm::Fhir];
    let query = query.or_bulk();
    let call = Call::new(request.headers(), &offered, query, (request_id, deadline))?;
    let (engine, asked) = (service.engine(), &call.asked);
    engine.check(asked)?;
    let share = service.large_upload_share();
    let batch = Batch::read(request, &service, &share).await?;
    let most_bytes = call.check_answer(&service, batch.items.len())?;
    let _turn = service.turn().await?;
    let judge = Judge {
        options: call.options(batch.accession)?,
        warning: None,
        images: batch.items.iter().map(Item::identity).collect(),
    };
    let (names, cells): (Vec<_>, Vec<_>) = batch
        .items
        .into_iter()
        .map(|Item { file_name, image }| (file_name, image.map(|image| with(asked, image))))
        .unzip();
    let (outcomes, findings) = answer_in_order(engine, &judge, cells).await;

    let model = engine.model(asked.model.as_deref())?;
    let labels = &model.manifest().labels;
    let answered_by = Extension(AnsweredBy::of(model, asked.method));
    if call.form == AnswerForm::Fhir {
        let cells = names.iter().map(|name| Cell {
            name: name.as_deref(),
            position: None,
        });
        let bundle = fhir::bundle(cells.zip(outcomes), labels, &findings);
        let response = written(most_bytes, move || FhirJson(bundle).into_response());
        return Ok((answered_by, response.await?).into_response());
    }
    let summary = CellsOverview::of(labels, names.len(), &findings, |index| {
        names.get(index).cloned().flatten()
    });
    let answer = BatchAnswer {
        request_id: judge.options.request_id,
        items: names
            .into_iter()
            .zip(outcomes)
            .enumerate()
            .map(item)
            .collect(),
        summary,
    };
    let response = written(most_bytes, move || Json(answer).into_response());
    Ok((answered_by, response.await?).into_response())
}

impl Item {
    /// What the id of its answer is made of; of a crop that gets none it is empty.
    fn identity(&self) -> ImageIdentity {
        let image = self.image.as_ref();
        image.map_or_else(
            |_| ImageIdentity::default(),
            |image| ImageIdentity::of(image),
        )
    }
}

fn with(asked: &PredictRequest, image: axum::body::Bytes) -> PredictRequest {
    PredictRequest {
        image: image.into(),
        ..asked.clone()
    }
}

fn item((index, (file_name, outcome)): (usize, (Option<String>, Outcome))) -> BatchItem {
    let (prediction, problem) = outcome.into_members();
    BatchItem {
        index,
        file_name,
        prediction,
        problem,
    }
}
