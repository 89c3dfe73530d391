//! The handler of `POST /v1/predictions`.

use axum::{
    Extension,
    extract::{FromRequest, Request, State},
    response::{IntoResponse, Response},
};

use super::{
    request::{MultipartUpload, PredictionQuery},
    response,
};
use crate::{
    api::{
        accept::AnswerForm,
        answer::{ImageIdentity, PredictionAnswer, prediction_answer},
        fhir::FhirObservation,
        head::{RequestHead, RequestHeaders},
        middleware::{AnsweredBy, Deadline, RequestId},
        problem::{Problem, UploadProblems},
        service::Service,
        upload::{ImageBytes, Upload},
    },
    telemetry,
};

/// Classify one cell
///
/// Takes the encoded image of one cell, either as the raw body or as the part `image` of a form. The first bytes decide
/// the format, whatever the content type says. The same question gets the same answer, but for `request_id` and
/// `timing_ms`. With `Accept: application/fhir+json` the answer is an `Observation` of FHIR R4.
#[utoipa::path(
    post,
    path = "/v1/predictions",
    operation_id = "createPrediction",
    tag = "predictions",
    params(
        PredictionQuery,
        RequestHeaders,
    ),
    request_body(content(
        (MultipartUpload = "multipart/form-data"),
        (ImageBytes = "image/png"),
        (ImageBytes = "image/jpeg"),
        (ImageBytes = "image/tiff"),
        (ImageBytes = "image/bmp"),
        (ImageBytes = "image/webp"),
        (ImageBytes = "application/octet-stream"),
    )),
    responses(
        (status = 200, description = "The answer", content(
            (PredictionAnswer = "application/json"),
            (FhirObservation = "application/fhir+json"),
        )),
        UploadProblems,
    ),
)]
pub(in crate::api) async fn create_prediction(
    State(service): State<Service>,
    Extension(request_id): Extension<RequestId>,
    Extension(deadline): Extension<Deadline>,
    query: PredictionQuery,
    request: Request,
) -> Result<Response, Problem> {
    let offered = [AnswerForm::Json, AnswerForm::Fhir];
    let of_request = (request_id, deadline);
    let head = RequestHead::new(&service, request.headers(), &offered, query, of_request)?;
    let most_bytes = head.check_answer(&service, 1)?;
    let upload = Upload::from_request(request, &service).await?;
    let options = head.options(upload.accession.clone())?;
    let image = upload.into_image()?;
    let identity = ImageIdentity::of(&image);
    let prediction = service.engine().predict(&head.plan, image.into()).await?;
    telemetry::metrics::prediction_answered(&prediction);
    let answered_by = AnsweredBy::of(&prediction.model, Some(prediction.answer.method));
    let answer = prediction_answer(&prediction, &identity, options);
    let labels = &prediction.model.manifest().labels;
    let response = response::write(head.form, answer, labels, most_bytes).await?;
    Ok((Extension(answered_by), response).into_response())
}
