//! The handler of `POST /v1/predictions:batch`.

use axum::{
    Extension,
    extract::{Request, State},
    response::{IntoResponse, Response},
};

use bytes::Bytes;

use super::{
    request::MultipartBatch,
    response::{AnsweredCrops, BatchAnswer},
};
use crate::api::{
    accept::AnswerForm,
    answer::{CellResponder, ImageIdentity, answer_in_order, off_the_async_threads},
    fhir::FhirBundle,
    head::{RequestHead, RequestHeaders},
    middleware::{AnsweredBy, Deadline, RequestId},
    predictions::PredictionQuery,
    problem::{Problem, UploadProblems},
    service::Service,
    upload::{FormParts, SentImage, Upload},
};
use engine::Subject;

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
pub(in crate::api) async fn create_predictions(
    State(service): State<Service>,
    Extension(request_id): Extension<RequestId>,
    Extension(deadline): Extension<Deadline>,
    query: PredictionQuery,
    request: Request,
) -> Result<Response, Problem> {
    let offered = [AnswerForm::Json, AnswerForm::Fhir];
    let query = query.or_bulk();
    let of_request = (request_id, deadline);
    let head = RequestHead::new(&service, request.headers(), &offered, query, of_request)?;
    let share = service.large_upload_share();
    let upload = Upload::of_form(request, FormParts::Cells, &service, &share).await?;
    let most_bytes = head.check_answer(&service, upload.images.len())?;
    let _turn = service.turn().await?;
    let responder = CellResponder {
        options: head.options(upload.accession)?,
        warning: None,
        images: identities(&upload.images).await?,
    };
    let images = upload.images.into_iter();
    let (file_names, cells): (Vec<_>, Vec<_>) = images
        .map(|image| (image.file_name, image.bytes.map(Subject::from)))
        .unzip();
    let (outcomes, findings) =
        answer_in_order(service.engine(), &head.plan, &responder, cells).await;

    let model = head.plan.model();
    let answered_by = AnsweredBy::of(model, head.plan.options().method);
    let crops = AnsweredCrops {
        file_names,
        outcomes,
        findings,
    };
    let (request_id, labels) = (responder.options.request_id, &model.manifest().labels);
    let response = crops
        .write(head.form, request_id, labels, most_bytes)
        .await?;
    Ok((Extension(answered_by), response).into_response())
}

/// Of the crops, by their places; empty for one that gets no answer. A batch may hold too much to be hashed on an async thread.
async fn identities(images: &[SentImage]) -> Result<Vec<ImageIdentity>, Problem> {
    let bytes = images.iter().map(|image| image.bytes.as_ref().ok());
    let bytes: Vec<Option<Bytes>> = bytes.map(|bytes| bytes.cloned()).collect();
    let size = bytes.iter().flatten().map(Bytes::len).sum();
    let identify = move || {
        let of = |bytes: &Option<Bytes>| bytes.as_deref().map(ImageIdentity::of);
        bytes
            .iter()
            .map(of)
            .map(Option::unwrap_or_default)
            .collect()
    };
    off_the_async_threads(size, identify).await
}
