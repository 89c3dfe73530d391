//! A line of JSON per cell, as it finishes (`application/x-ndjson`).

use std::{convert::Infallible, time::Instant};

use axum::{
    body::{Body, Bytes},
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use tokio::{sync::mpsc, time::timeout_at};
use tracing::Instrument;

use super::outcome::{Judge, Outcome};
use crate::api::accept::AnswerForm;
use engine::{Engine, EngineError, PredictRequest};

/// Answers the requests in a task of its own, so that a client that reads slowly holds neither its field nor the engine; it
/// ends when the client goes away. Cells that are not answered at `limit` get a problem that says so. `held` is dropped
/// when the engine is done.
pub(in crate::api) fn stream_lines<Line: Serialize>(
    engine: Engine,
    judge: Judge,
    requests: Vec<PredictRequest>,
    limit: Instant,
    held: impl Send + 'static,
    line_of: impl Fn(usize, Outcome) -> Line + Send + Sync + 'static,
) -> Response {
    // Room for every line: writing one never waits.
    let (lines, written) = mpsc::channel::<Bytes>(requests.len().max(1));
    let answering = async move {
        let _held = held;
        let mut open: Vec<bool> = vec![true; requests.len()];
        let write = |index: usize, outcome: Outcome| lines.try_send(line(&line_of(index, outcome)));
        {
            let mut answers = std::pin::pin!(engine.predict_all(requests));
            loop {
                let next = tokio::select! {
                    next = timeout_at(limit.into(), answers.next()) => next,
                    () = lines.closed() => return,
                };
                let Ok(Some((index, predicted))) = next else {
                    break;
                };
                if let Some(open) = open.get_mut(index) {
                    *open = false;
                }
                if write(index, judge.outcome(index, predicted)).is_err() {
                    return;
                }
            }
        }
        let late = open.into_iter().enumerate().filter(|(_, open)| *open);
        for (index, _) in late {
            if write(
                index,
                judge.outcome(index, Err(EngineError::DeadlinePassed)),
            )
            .is_err()
            {
                return;
            }
        }
    };
    tokio::spawn(answering.in_current_span());
    let body = stream::unfold(written, |mut written| async {
        let line = written.recv().await?;
        Some((Ok::<_, Infallible>(line), written))
    });
    let content_type = [(header::CONTENT_TYPE, AnswerForm::Lines.media_type())];
    (content_type, Body::from_stream(body)).into_response()
}

fn line(value: &impl Serialize) -> Bytes {
    // Our own types: strings, numbers and lists of them.
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line.into()
}
