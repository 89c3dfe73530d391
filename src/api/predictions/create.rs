//! The handler of `POST /v1/predictions`.

use axum::{
    Extension, Json,
    extract::{FromRequest, Request, State},
    response::{IntoResponse, Response},
};

use super::{
    answer::PredictionAnswer,
    convert::prediction_answer,
    identity::ImageIdentity,
    query::PredictionQuery,
    upload::{MultipartUpload, Upload},
};
use crate::{
    api::{
        accept::AnswerForm,
        call::{Call, CallHeaders},
        fhir::{self, Cell, FhirJson, FhirObservation},
        middleware::{AnsweredBy, Deadline, RequestId},
        openapi::{ImageBytes, UploadProblems},
        problem::Problem,
        service::Service,
        written::written,
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
        CallHeaders,
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
    let mut call = Call::new(request.headers(), &offered, query, (request_id, deadline))?;
    // A server that is too busy says so before it reads the upload.
    service.engine().check(&call.asked)?;
    let most_bytes = call.check_answer(&service, 1)?;
    let upload = Upload::from_request(request, &service).await?;
    let options = call.options(upload.accession)?;
    let image = ImageIdentity::of(&upload.image);
    call.asked.image = upload.image.into();
    let prediction = service.engine().predict(call.asked).await?;
    telemetry::metrics::prediction_answered(&prediction);
    let answered_by = AnsweredBy::of(&prediction.model, Some(prediction.answer.method));
    let answer = prediction_answer(&prediction, &image, options);
    let answered_by = Extension(answered_by);
    if call.form == AnswerForm::Fhir {
        let labels = &prediction.model.manifest().labels;
        let observation = fhir::observation(&answer, labels, Cell::default());
        return Ok((answered_by, FhirJson(observation)).into_response());
    }
    let response = written(most_bytes, move || Json(answer).into_response());
    Ok((answered_by, response.await?).into_response())
}
