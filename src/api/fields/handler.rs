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
use engine::{FieldCrop, PredictRequest, Subject, Warning, seed_of, seed_of_cell};

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
    let head = RequestHead::new(request.headers(), &offered, query, (request_id, deadline))?;
    let engine = service.engine();
    engine.check(&head.asked)?;
    let model = Arc::clone(engine.model(head.asked.model.as_deref())?);
    let edge = scale.crop_edge(&model)?;

    let share = service.large_upload_share();
    let upload = Upload::of_form(request, FormParts::Field, &service, &share).await?;
    let nuclei = upload.nuclei(&service)?;
    let most_bytes = head.check_answer(&service, nuclei.len())?;
    let options = head.options(upload.accession.clone())?;
    let bytes = upload.into_image()?;
    let seed = head.asked.seed.unwrap_or_else(|| seed_of(&bytes));
    let whole = ImageIdentity::of(&bytes);
    let held = (service.turn().await?, share);
    let image = engine.decode_field(bytes).await?;

    let field = FieldImage {
        width: image.width(),
        height: image.height(),
        crop_edge_px: edge,
    };
    let crop = |nucleus: &Nucleus| FieldCrop::at(&image, nucleus.x, nucleus.y, edge);
    let crops: Vec<FieldCrop> = nuclei.iter().map(crop).collect();
    let responder = CellResponder {
        options,
        warning: Warning::of_field(&model, &image, scale),
        images: crops.iter().map(|crop| whole.cropped(crop)).collect(),
    };
    drop(image);
    let answered_by = Extension(AnsweredBy::of(&model, head.asked.method));
    let requests = crops.into_iter().map(|crop| cell(crop, seed, &head.asked));
    if head.form == AnswerForm::Lines {
        let line_of = move |index: usize, outcome| {
            let nucleus = nuclei.get(index);
            nucleus.map(|nucleus| FieldCell::of(index, nucleus, outcome))
        };
        let requests = requests.collect();
        let engine = engine.clone();
        let lines = stream_lines(engine, responder, requests, deadline.limit, held, line_of);
        return Ok((answered_by, lines).into_response());
    }
    let requests = requests.map(Ok).collect();
    let (outcomes, findings) = answer_in_order(engine, &responder, requests).await;
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

/// The request for one cell of a field whose own seed is `seed`.
fn cell(crop: FieldCrop, seed: u64, asked: &PredictRequest) -> PredictRequest {
    PredictRequest {
        seed: Some(seed_of_cell(seed, crop.x, crop.y)),
        image: Subject::Crop(crop),
        ..asked.clone()
    }
}
