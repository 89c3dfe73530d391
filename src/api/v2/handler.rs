//! `POST /v2/models/{name}/infer`.

use std::{sync::Arc, time::Instant};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, FromRequest, Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;

use super::{
    ModelPath,
    inputs::subjects,
    request::{InferParameters, malformed, split},
    response::WantedOutputs,
};
use crate::{
    api::{
        accept::off_the_async_threads,
        middleware::{AnsweredBy, Deadline},
        problem::{Problem, ProblemKind},
        service::Service,
        upload::{OVERHEAD_BYTES, UploadShare, WatchedBody, refusal},
    },
    telemetry,
};
use bundle::Method;
use engine::{LoadedModel, Prediction, Priority, RequestOptions, RequestPlan, Subject};

pub(super) async fn infer(
    State(service): State<Service>,
    Extension(deadline): Extension<Deadline>,
    Path(path): Path<ModelPath>,
    request: Request,
) -> Result<Response, Problem> {
    let model = path.find(&service)?;
    answer(&service, model, deadline.asked, request).await
}

async fn answer(
    service: &Service,
    model: &Arc<LoadedModel>,
    deadline: Option<Instant>,
    request: Request,
) -> Result<Response, Problem> {
    check_content_type(request.headers())?;
    let share = service.large_uploads.share();
    let (headers, body) = read(request, service, &share).await?;
    let _turn = service.turn().await?;
    let (request, tensors) = split(&headers, body)?;
    let wanted = WantedOutputs::of(&request);
    let size = model.manifest().input.size;
    let subjects = subjects(request.inputs, &tensors, size, service.limits.max_cells)?;
    let mut options = template(model, request.parameters, subjects.len(), deadline);
    // Outputs are rectangular, so every image needs the same number of samples.
    options.exact |= wanted.has_samples();
    let plan = service.engine.plan(options)?;
    let most_bytes = check(service, &wanted, &plan, &subjects)?;
    let predictions = predict(service, &plan, subjects).await?;
    predictions
        .iter()
        .for_each(telemetry::metrics::prediction_answered);
    let answered_by = Extension(AnsweredBy::of(model, plan.options().method));
    let (model, id) = (Arc::clone(model), request.id);
    let response = off_the_async_threads(most_bytes, move || {
        wanted.response(&model, id, &predictions)
    });
    Ok((answered_by, response.await?).into_response())
}

/// Refuses impossible requests before the model runs; else returns how many bytes the answer has at
/// most.
fn check(
    service: &Service,
    wanted: &WantedOutputs,
    plan: &RequestPlan,
    subjects: &[Subject],
) -> Result<usize, Problem> {
    // Requests without an image were refused before.
    if let Some(first) = subjects.first() {
        first.check(plan)?;
    }
    service.engine.check(plan)?;
    let extent = (subjects.len(), plan.extent().samples);
    let bytes = wanted.most_bytes(extent, &plan.model().manifest().labels);
    service.check_answer_bytes(bytes)?;
    Ok(bytes)
}

/// Clients of the protocol send JSON with tensors behind it, and some of them send no content type.
fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let value = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let essence = value.unwrap_or_default().split(|byte| *byte == b';').next();
    let essence = essence.unwrap_or_default().trim_ascii();
    let known: [&[u8]; 3] = [b"", b"application/json", b"application/octet-stream"];
    if known
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known))
    {
        return Ok(());
    }
    let detail = format!(
        "`Content-Type`: expected application/json or application/octet-stream, found `{}`",
        String::from_utf8_lossy(essence)
    );
    Err(Problem::new(ProblemKind::UnsupportedMediaType, detail)
        .field("Content-Type")
        .hint(
            "send `Content-Type: application/json`; with curl, -H 'Content-Type: application/json'",
        ))
}

async fn read(
    request: Request,
    service: &Service,
    share: &UploadShare,
) -> Result<(HeaderMap, Bytes), Problem> {
    let max_bytes = service.limits.max_batch_bytes;
    let mut request =
        request.map(|body| Body::new(WatchedBody::new(body, service.counting(share))));
    DefaultBodyLimit::max(max_bytes.saturating_add(OVERHEAD_BYTES)).apply(&mut request);
    let headers = request.headers().clone();
    let body = Bytes::from_request(request, &()).await;
    let body = body.map_err(
        |rejection| match (rejection.status(), refusal(&rejection)) {
            (_, Some(problem)) => problem,
            (StatusCode::PAYLOAD_TOO_LARGE, _) => {
                let detail = format!("the request has more than {max_bytes} bytes");
                Problem::new(ProblemKind::BodyTooLarge, detail)
                    .hint("send several smaller requests; the operator of this server can raise limits.max_batch_bytes")
            }
            _ => malformed(
                "the body is incomplete, or not compressed as `Content-Encoding` says",
            ),
        },
    )?;
    Ok((headers, body))
}

/// The options for every image. Single images are interactive, several are bulk work.
fn template(
    model: &LoadedModel,
    parameters: InferParameters,
    images: usize,
    deadline: Option<Instant>,
) -> RequestOptions {
    let priority = match images > 1 {
        true => Priority::Bulk,
        false => Priority::Interactive,
    };
    RequestOptions {
        model: Some(model.name().to_owned()),
        method: parameters.method.map(Method::from),
        passes: parameters.passes,
        seed: parameters.seed,
        policy: parameters.policy,
        exact: parameters.exact,
        priority,
        deadline,
        ..RequestOptions::default()
    }
}

/// Runs the model. The protocol has no problems for single images: the first one fails the request
/// and names its image.
async fn predict(
    service: &Service,
    plan: &RequestPlan,
    subjects: Vec<Subject>,
) -> Result<Vec<Prediction>, Problem> {
    let mut answers = std::pin::pin!(service.engine.predict_all(plan, subjects));
    let mut predictions = Vec::new();
    while let Some((index, predicted)) = answers.next().await {
        let prediction = predicted.map_err(|error| Problem::from(error).of_image(index))?;
        predictions.push((index, prediction));
    }
    predictions.sort_by_key(|(index, _)| *index);
    let in_order = predictions.into_iter().map(|(_, prediction)| prediction);
    Ok(in_order.collect())
}
