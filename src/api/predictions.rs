//! `POST /v1/predictions`: the answer for one cell.

use axum::{
    Extension,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    accept::{AnswerForm, written_as},
    answer::{PredictionAnswer, prediction_answer},
    fhir::{self, FhirObservation, ObservedCell},
    head::{RequestHead, RequestHeaders},
    problem::{Problem, UploadProblems},
    query::PredictionQuery,
    service::Service,
    upload::{ImageBytes, Upload},
};
use crate::telemetry;

/// A form with one image.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(
    dead_code,
    reason = "only its description is used: the form is read part by part"
)]
pub struct MultipartUpload {
    /// The encoded image. Its first bytes decide the format; file name and media type are ignored.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    image: Vec<u8>,
    /// Identifier of the specimen. It is copied to the answer and never logged.
    #[schema(nullable = false, max_length = 256)]
    accession: Option<String>,
}

/// Classify one cell
///
/// Takes the encoded image of one cell, as the raw body or as the part `image` of a form. The first
/// bytes decide the format, whatever the content type says. The same request always gets the same
/// answer, except for `request_id` and `timing_ms`. With `Accept: application/fhir+json` the answer
/// is a FHIR R4 `Observation`.
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
pub(super) async fn create_prediction(
    State(service): State<Service>,
    query: PredictionQuery,
    request: Request,
) -> Result<Response, Problem> {
    let offered = [AnswerForm::Json, AnswerForm::Fhir];
    let head = RequestHead::new(&service, &request, &offered, query)?;
    let most_bytes = head.check_answer(&service, 1)?;
    let upload = Upload::of_image(request, &service).await?;
    let options = head.options(upload.accession.clone())?;
    let image = upload.into_image()?;
    let prediction = service.engine.predict(&head.plan, image.into()).await?;
    telemetry::metrics::prediction_answered(&prediction);
    let answer = prediction_answer(&prediction, &options);
    let response = if head.form == AnswerForm::Fhir {
        let labels = &prediction.model.manifest().labels;
        let observation = fhir::observation(&answer, labels, ObservedCell::default());
        written_as(head.form, most_bytes, observation).await?
    } else {
        written_as(head.form, most_bytes, answer).await?
    };
    Ok((Extension(head.answered_by()), response).into_response())
}
