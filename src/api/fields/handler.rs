//! The handler of `POST /v1/fields`.

use axum::{
    Extension,
    body::Bytes,
    extract::{Request, State},
    response::{IntoResponse, Response},
};

use super::{
    request::{FieldQuery, MultipartField, ScaleQuery},
    response::{AskedField, FieldAnswer, FieldCell, FieldImage},
};
use crate::api::{
    accept::AnswerForm,
    answer::{CellResponder, answer_in_order, stream_lines},
    fhir::FhirBundle,
    head::{RequestHead, RequestHeaders},
    problem::{Problem, UploadProblems},
    query::PredictionQuery,
    service::Service,
    upload::{FormParts, Nucleus, Upload},
};
use engine::{FieldCrop, Subject, Warning};

/// Classify the cells of a field
///
/// Takes an image of many cells and the positions of their nuclei, crops the square that the model
/// was trained on around each nucleus, and answers in the order of the nuclei. A nucleus outside
/// the image has a `problem` of its own, and the others continue. The seed of each cell is derived
/// from the request's seed and the cell's position, so its answer does not depend on the other
/// cells. `priority` is `bulk` by default.
///
/// - With `Accept: application/x-ndjson` the answer is one line of JSON per cell, as each finishes.
/// - With `Accept: application/fhir+json` it is a FHIR R4 `Bundle` with one `Observation` for each
///   cell.
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
    FieldQuery { cells, scale }: FieldQuery,
    request: Request,
) -> Result<Response, Problem> {
    let offered = [AnswerForm::Json, AnswerForm::Lines, AnswerForm::Fhir];
    let head = RequestHead::new(&service, &request, &offered, cells.or_bulk())?;
    let edge = scale.crop_edge(head.plan.model())?;
    let share = service.large_uploads.share();
    let upload = Upload::of_form(request, FormParts::Field, &service, &share).await?;
    let nuclei = upload.nuclei(&service)?;
    let most_bytes = head.check_answer(&service, nuclei.len())?;
    let options = head.options(upload.accession.clone())?;
    let bytes = upload.into_image()?;
    let held = (service.turn().await?, share);

    let (field, subjects) = cut(&service, &head, bytes, nuclei, edge).await?;
    let responder = CellResponder {
        options,
        warning: Warning::of_field(head.plan.model(), field.image.width, scale),
    };
    let answered_by = Extension(head.answered_by());
    let engine = &service.engine;
    if head.form == AnswerForm::Lines {
        let (engine, limit) = (engine.clone(), head.deadline.limit);
        let line_of = move |index, outcome| field.cell(index, outcome);
        let lines = stream_lines(engine, head.plan, responder, subjects, limit, held, line_of);
        return Ok((answered_by, lines).into_response());
    }
    let subjects = subjects.into_iter().map(Ok).collect();
    let answered = answer_in_order(engine, &head.plan, &responder, subjects).await;
    let response = field.write(&head, responder, answered, most_bytes).await?;
    Ok((answered_by, response).into_response())
}

/// Decodes the field. The workers crop the cells, and the pixels stay in memory until the last one
/// is done.
async fn cut(
    service: &Service,
    head: &RequestHead,
    bytes: Bytes,
    nuclei: Vec<Nucleus>,
    edge: u32,
) -> Result<(AskedField, Vec<Subject>), Problem> {
    let image = service.engine.decode_field(bytes).await?;
    let crop = |nucleus: &Nucleus| FieldCrop::at(&image, nucleus.x, nucleus.y, edge);
    let subjects = nuclei.iter().map(crop).map(Subject::Crop).collect();
    let field = AskedField {
        image: FieldImage {
            width: image.pixels.width(),
            height: image.pixels.height(),
            crop_edge_px: edge,
        },
        seed: head.plan.options().seed.unwrap_or(image.seed),
        nuclei,
    };
    Ok((field, subjects))
}
