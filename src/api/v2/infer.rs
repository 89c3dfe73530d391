//! `POST /v2/models/{name}/infer`.

use std::time::Instant;

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest, Path, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::BytesMut;
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::{
    find,
    inputs::subjects,
    outputs::Output,
    request::{HEADER_LENGTH, InferParameters, InferRequest, malformed, split},
};
use crate::{
    api::{
        counted_body::{counted, refusal},
        form::OVERHEAD_BYTES,
        middleware::{AnsweredBy, Deadline},
        problem::{Problem, ProblemKind},
        service::Service,
        upload_memory::UploadShare,
    },
    telemetry,
};
use bundle::Method;
use engine::{Model, PredictRequest, Prediction, Priority, Subject};

pub(super) async fn infer(
    State(service): State<Service>,
    Extension(deadline): Extension<Deadline>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let model = find(&service, &name, None)?;
    answer(&service, model, deadline.asked, request).await
}

pub(super) async fn infer_version(
    State(service): State<Service>,
    Extension(deadline): Extension<Deadline>,
    Path((name, version)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let model = find(&service, &name, Some(&version))?;
    answer(&service, model, deadline.asked, request).await
}

async fn answer(
    service: &Service,
    model: &Model,
    deadline: Option<Instant>,
    request: Request,
) -> Result<Response, Problem> {
    let share = service.large_upload_share();
    let (headers, body) = read(request, service, &share).await?;
    let _turn = service.turn().await?;
    let (request, tensors) = split(&headers, body)?;
    let wanted = Wanted::of(&request)?;
    let size = model.manifest().input.size;
    let subjects = subjects(request.inputs, &tensors, size, service.max_cells())?;
    let mut asked = template(model, request.parameters, subjects.len(), deadline);
    // Outputs are rectangular, so every image has to have as many samples.
    asked.exact |= wanted
        .outputs
        .iter()
        .any(|(output, _)| *output == Output::Samples);
    // Alone, so that what is impossible is said before anything is answered.
    if let Some(first) = subjects.first() {
        let first = with(&asked, first.clone());
        service.engine().check(&first)?;
    }
    let predictions = predict(service, &asked, subjects).await?;
    predictions
        .iter()
        .for_each(telemetry::metrics::prediction_answered);
    let answered_by = Extension(AnsweredBy::of(model, asked.method));
    let response = wanted.response(model, request.id, &predictions);
    Ok((answered_by, response).into_response())
}

async fn read(
    request: Request,
    service: &Service,
    share: &UploadShare,
) -> Result<(HeaderMap, Bytes), Problem> {
    let max_bytes = service.max_batch_bytes();
    let mut request = request.map(|body| counted(body, service.counting(share)));
    DefaultBodyLimit::max(max_bytes.saturating_add(OVERHEAD_BYTES)).apply(&mut request);
    let headers = request.headers().clone();
    let body = Bytes::from_request(request, &()).await;
    let body = body.map_err(
        |rejection| match (rejection.status(), refusal(&rejection)) {
            (_, Some(problem)) => problem,
            (StatusCode::PAYLOAD_TOO_LARGE, _) => {
                let detail = format!("the request has more than {max_bytes} bytes");
                Problem::new(ProblemKind::BodyTooLarge, detail)
                    .hint("send several smaller requests")
            }
            _ => malformed(
                "the body ended before it was complete, or is not compressed as its headers say",
            ),
        },
    )?;
    Ok((headers, body))
}

/// What is wanted of every image. One is somebody's who waits, many are a program's.
fn template(
    model: &Model,
    parameters: InferParameters,
    images: usize,
    deadline: Option<Instant>,
) -> PredictRequest {
    let priority = if images > 1 {
        Priority::Bulk
    } else {
        Priority::Interactive
    };
    PredictRequest {
        model: Some(model.name().to_owned()),
        method: parameters.method.map(Method::from),
        passes: parameters.passes,
        seed: parameters.seed,
        policy: parameters.policy,
        exact: parameters.exact,
        priority,
        deadline,
        ..PredictRequest::default()
    }
}

fn with(asked: &PredictRequest, image: Subject) -> PredictRequest {
    PredictRequest {
        image,
        ..asked.clone()
    }
}

/// The protocol has no problems for single images: the first one fails the request and says which it was.
async fn predict(
    service: &Service,
    asked: &PredictRequest,
    subjects: Vec<Subject>,
) -> Result<Vec<Prediction>, Problem> {
    let requests = subjects.into_iter().map(|subject| with(asked, subject));
    let mut answers = std::pin::pin!(service.engine().predict_all(requests));
    let mut predictions = Vec::new();
    while let Some((index, predicted)) = answers.next().await {
        let prediction = predicted.map_err(|error| Problem::from(error).of_image(index))?;
        predictions.push((index, prediction));
    }
    predictions.sort_by_key(|(index, _)| *index);
    Ok(predictions
        .into_iter()
        .map(|(_, prediction)| prediction)
        .collect())
}

/// The outputs, each with whether it goes behind the JSON.
struct Wanted {
    outputs: Vec<(Output, bool)>,
}

impl Wanted {
    /// Those that are asked for; all of them when none is.
    fn of(request: &InferRequest) -> Result<Self, Problem> {
        let binary = request.parameters.binary_data_output;
        if request.outputs.is_empty() {
            let outputs = Output::ALL.map(|output| (output, binary)).to_vec();
            return Ok(Self { outputs });
        }
        let wanted = request.outputs.iter().map(|output| {
            let binary = output.parameters.binary_data.unwrap_or(binary);
            Output::named(&output.name).map(|output| (output, binary))
        });
        wanted
            .collect::<Result<_, _>>()
            .map(|outputs| Self { outputs })
    }

    fn response(&self, model: &Model, id: Option<String>, predictions: &[Prediction]) -> Response {
        let mut tensors = BytesMut::new();
        let outputs: Vec<Value> = self
            .outputs
            .iter()
            .map(|(output, binary)| {
                let (shape, elements) = output.of(predictions);
                let mut tensor = json!({
                    "name": output.name(),
                    "datatype": output.datatype(),
                    "shape": shape,
                });
                if *binary {
                    let size = elements.put(&mut tensors);
                    tensor["parameters"] = json!({ "binary_data_size": size });
                } else {
                    tensor["data"] = elements.into_json();
                }
                tensor
            })
            .collect();
        let mut answer = json!({
            "model_name": model.name(),
            "model_version": model.manifest().version,
            "outputs": outputs,
        });
        if let Some(id) = id {
            answer["id"] = json!(id);
        }
        if !self.outputs.iter().any(|(_, binary)| *binary) {
            return Json(answer).into_response();
        }
        let json = answer.to_string();
        let headers = [
            (HEADER_LENGTH, json.len().to_string()),
            (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        ];
        (headers, [json.as_bytes(), &tensors].concat()).into_response()
    }
}
