//! The handler of `POST /v1/fields`.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    response::{IntoResponse, Response},
};

use super::{
    request::{FieldQuery, MultipartField, ScaleQuery},
    response::{AnsweredField, FieldAnswer, FieldCell, FieldImage},
};
use crate::api::{
    accept::AnswerForm,
    answer::{CellResponder, ImageIdentity, answer_in_order, stream_lines},
    fhir::FhirBundle,
    head::{RequestHead, RequestHeaders},
    middleware::{AnsweredBy, Deadline, RequestId},
    predictions::PredictionQuery,
    problem::{Problem, UploadProblems},
    service::Service,
    upload::{FormParts, Nucleus, Upload},
};
use engine::{FieldCrop, Subject, Warning};

/// Classify the cells of a field
///
/// Takes an image of many cells and where their nuclei are, cuts the square that the model was trained on around each
/// nucleus, and answers in the order of the nuclei; with `Accept: application/x-ndjson` a line per cell as it finishes, and
/// with `Accept: application/fhir+json` a `Bundle` of FHIR R4 with an `Observation` for each. A nucleus that does not lie on
/// the image carries its own problem, and the others go on. Each cell's seed is made of the
/// request's and of its position, so that its answer does not depend on the others. `priority` is `bulk` unless it is
/// given.
#[utoipa::path(
    post,
    path = "/v1/fields",
    operation_id = "createField",
    tag = "predictions",
    params(
        PredictionQuery,
        ScaleQuery,
        RequestHeaders,
    ),
    request_body(content((MultipartField = "multipart/form-data"))),
    responses(
        (status = 200, description = "An answer or a problem for each nucleus", content(
            (FieldAnswer = "application/json"),
            (FieldCell = "application/x-ndjson"),
            (FhirBundle = "application/fhir+json"),
        )),
        UploadProblems,
    ),
)]
pub(in crate::api) async fn create_field(
    State(service): State<Service>,
    Extension(request_id): Extension<RequestId>,
    Extension(deadline): Extension<Deadline>,
    FieldQuery { cells, scale }: FieldQuery,
    request: Request,
) -> Result<Response, Problem> {
    let offered = [AnswerForm::Json, AnswerForm::Lines, AnswerForm::Fhir];
    let query = cells.or_bulk();
    let of_request = (request_id, deadline);
    let head = RequestHead::new(&service, request.headers(), &offered, query, of_request)?;
    let (engine, model) = (service.engine(), Arc::clone(head.plan.model()));
    let edge = scale.crop_edge(&model)?;

    let share = service.large_upload_share();
    let upload = Upload::of_form(request, FormParts::Field, &service, &share).await?;
    let nuclei = upload.nuclei(&service)?;
    let most_bytes = head.check_answer(&service, nuclei.len())?;
    let options = head.options(upload.accession.clone())?;
    let bytes = upload.into_image()?;
    let held = (service.turn().await?, share);
    let image = engine.decode_field(bytes).await?;
    let whole = ImageIdentity::of_digest(image.sha256.clone());
    let seed = head.plan.options().seed.unwrap_or(image.seed);

    let field = FieldImage {
        width: image.pixels.width(),
        height: image.pixels.height(),
        crop_edge_px: edge,
    };
    let crop = |nucleus: &Nucleus| FieldCrop::at(&image, nucleus.x, nucleus.y, edge);
    let crops: Vec<FieldCrop> = nuclei.iter().map(crop).collect();
    let responder = CellResponder {
        options,
        warning: Warning::of_field(&model, field.width, scale),
        images: crops.iter().map(|crop| whole.cropped(crop)).collect(),
    };
    drop(image);
    let answered_by = Extension(AnsweredBy::of(&model, head.plan.options().method));
    let subjects = crops.into_iter().map(Subject::Crop);
    if head.form == AnswerForm::Lines {
        let line_of = move |index: usize, outcome| {
            let nucleus = nuclei.get(index);
            nucleus.map(|nucleus| FieldCell::of(index, nucleus, outcome))
        };
        let (engine, plan) = (engine.clone(), head.plan);
        let (subjects, limit) = (subjects.collect(), deadline.limit);
        let lines = stream_lines(engine, plan, responder, subjects, limit, held, line_of);
        return Ok((answered_by, lines).into_response());
    }
    let subjects = subjects.map(Ok).collect();
    let (outcomes, findings) = answer_in_order(engine, &head.plan, &responder, subjects).await;
    let answered = AnsweredField {
        field,
        seed,
        nuclei,
        outcomes,
        findings,
    };
    let labels = &model.manifest().labels;
    let response = answered
        .write(head.form, responder, labels, most_bytes)
        .await?;
    Ok((answered_by, response).into_response())
}
