//! The handler of `POST /v1/predictions`.

use axum::{
    Extension, Json,
    extract::{FromRequest, Request, State},
    response::{IntoResponse, Response},
};

use super::{
    accession::checked,
    answer::PredictionAnswer,
    convert::{AnswerOptions, prediction_answer},
    query::{Include, PredictionQuery},
    upload::{MultipartUpload, Upload},
};
use crate::{
    api::{
        accept::AnswerForm,
        fhir::{self, Cell, FhirJson, FhirObservation},
        middleware::{AnsweredBy, Deadline, RequestId},
        openapi::{ImageBytes, UploadProblems},
        problem::Problem,
        service::Service,
    },
    telemetry,
};

/// Classify one cell
///
/// Takes the encoded image of one cell, either as the raw body or as the part `image` of a form. The first bytes decide
/// the format, whatever the content type says. The same image, method and seed get the same answer, but for `id`,
/// `request_id` and `timing_ms`. With `Accept: application/fhir+json` the answer is an `Observation` of FHIR R4.
#[utoipa::path(
    post,
    path = "/v1/predictions",
    operation_id = "createPrediction",
    tag = "predictions",
    params(
        PredictionQuery,
        ("X-Request-Id" = inline(Option<String>), Header, description = "An id of your own, echoed in the answer and written to the log; one that is not 1 to 128 visible ASCII characters is replaced by a new one", nullable = false),
        ("X-Request-Timeout" = inline(Option<f64>), Header, description = "Seconds after which nobody waits for the answer any more; `Request-Timeout` is understood too", exclusive_minimum = 0, nullable = false),
        ("X-Accession" = inline(Option<String>), Header, description = "An identifier of the specimen, passed through to the answer and never logged", max_length = 256, pattern = "^[ -~]*$", nullable = false),
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
    let form = AnswerForm::wanted(request.headers(), &[AnswerForm::Json, AnswerForm::Fhir])?;
    fhir::check(form, &query)?;
    let (accession, with_samples) = (query.accession.clone(), query.includes(Include::Samples));
    let mut asked = query.into_request(deadline.asked);
    // A server that is too busy says so before it reads the upload.
    service.engine().check(&asked)?;
    let upload = Upload::from_request(request, &service).await?;
    let accession = upload.accession.or(accession);
    let accession = checked(accession)?;
    fhir::check_accession(form, accession.as_deref())?;
    let options = AnswerOptions {
        request_id: request_id.to_string(),
        accession,
        with_samples,
    };
    asked.image = upload.image.into();
    let prediction = service.engine().predict(asked).await?;
    telemetry::metrics::prediction_answered(&prediction);
    let answered_by = AnsweredBy::of(&prediction.model, Some(prediction.answer.method));
    let answer = prediction_answer(&prediction, options);
    let answered_by = Extension(answered_by);
    if form == AnswerForm::Fhir {
        let labels = &prediction.model.manifest().labels;
        let observation = fhir::observation(&answer, labels, Cell::default());
        return Ok((answered_by, FhirJson(observation)).into_response());
    }
    Ok((answered_by, Json(answer)).into_response())
}
