//! The handler of `POST /v1/fields`.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};

use super::{
    answer::{FieldAnswer, FieldCell, FieldImage},
    nuclei::Nucleus,
    query::{FieldQuery, ScaleQuery},
    upload::{FieldUpload, MultipartField},
};
use crate::api::{
    accept::AnswerForm,
    call::{Call, CallHeaders},
    fhir::{self, FhirBundle, FhirJson},
    many::{CellsOverview, Judge, answer_in_order, stream_lines},
    middleware::{AnsweredBy, Deadline, RequestId},
    openapi::UploadProblems,
    predictions::{ImageIdentity, PredictionQuery, WarningAnswer},
    problem::Problem,
    service::Service,
    written::written,
};
use engine::{FieldCrop, PredictRequest, Subject, Warning, seed_of, seed_of_cell};
use imaging::CellImage;

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
        CallHeaders,
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
    let call = Call::new(request.headers(), &offered, query, (request_id, deadline))?;
    let (engine, asked) = (service.engine().clone(), &call.asked);
    engine.check(asked)?;
    let model = Arc::clone(engine.model(asked.model.as_deref())?);
    let edge = scale.crop_edge(&model)?;

    let share = service.large_upload_share();
    let upload = FieldUpload::read(request, &service, &share).await?;
    let most_bytes = call.check_answer(&service, upload.nuclei.len())?;
    let options = call.options(upload.accession)?;
    let seed = asked.seed.unwrap_or_else(|| seed_of(&upload.image));
    let whole = ImageIdentity::of(&upload.image);
    let held = (service.turn().await?, share);
    let image = engine.decode_field(upload.image).await?;
    let answered_by = Extension(AnsweredBy::of(&model, asked.method));
    let field = Field { image, edge, seed };
    let nuclei = upload.nuclei;
    let crops = nuclei.iter().map(|nucleus| field.crop(nucleus));
    let judge = Judge {
        options,
        warning: Warning::of_field(&model, &field.image, scale),
        images: crops.clone().map(|crop| whole.cropped(&crop)).collect(),
    };
    let requests = crops.map(|crop| field.cell(crop, asked));
    if call.form == AnswerForm::Lines {
        let requests = requests.collect();
        drop(field);
        let line_of = move |index: usize, outcome| {
            let nucleus = nuclei.get(index);
            nucleus.map(|nucleus| FieldCell::of(index, nucleus, outcome))
        };
        let lines = stream_lines(engine, judge, requests, deadline.limit, held, line_of);
        return Ok((answered_by, lines).into_response());
    }
    let requests = requests.map(Ok).collect();
    let (outcomes, findings) = answer_in_order(&engine, &judge, requests).await;
    if call.form == AnswerForm::Fhir {
        let cells = nuclei.iter().map(Nucleus::cell).zip(outcomes);
        let bundle = fhir::bundle(cells, &model.manifest().labels, &findings);
        let response = written(most_bytes, move || FhirJson(bundle).into_response());
        return Ok((answered_by, response.await?).into_response());
    }
    let summary = CellsOverview::of(&model.manifest().labels, nuclei.len(), &findings, |index| {
        nuclei.get(index)?.id.clone()
    });
    let cells = nuclei.iter().zip(outcomes).enumerate();
    let cells = cells.map(|(index, (nucleus, outcome))| FieldCell::of(index, nucleus, outcome));
    let answer = field.answer(judge, cells.collect(), summary);
    let response = written(most_bytes, move || Json(answer).into_response());
    Ok((answered_by, response.await?).into_response())
}

/// What all cells of a field share.
struct Field {
    image: Arc<CellImage>,
    edge: u32,
    seed: u64,
}

impl Field {
    /// The square around a nucleus.
    fn crop(&self, nucleus: &Nucleus) -> FieldCrop {
        FieldCrop::at(&self.image, nucleus.x, nucleus.y, self.edge)
    }

    /// The request for one cell.
    fn cell(&self, crop: FieldCrop, asked: &PredictRequest) -> PredictRequest {
        PredictRequest {
            seed: Some(seed_of_cell(self.seed, crop.x, crop.y)),
            image: Subject::Crop(crop),
            ..asked.clone()
        }
    }

    /// The whole answer.
    fn answer(self, judge: Judge, cells: Vec<FieldCell>, summary: CellsOverview) -> FieldAnswer {
        FieldAnswer {
            request_id: judge.options.request_id,
            accession: judge.options.accession,
            field: FieldImage {
                width: self.image.width(),
                height: self.image.height(),
                crop_edge_px: self.edge,
            },
            seed: self.seed,
            warnings: judge.warning.iter().map(WarningAnswer::from).collect(),
            cells,
            summary,
        }
    }
}
