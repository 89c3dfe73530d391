//! A line of JSON per cell, as it finishes (`application/x-ndjson`).

use std::{convert::Infallible, time::Instant};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use tokio::{sync::mpsc, time::timeout_at};

use super::outcome::{Judge, Outcome};
use crate::engine::{Engine, EngineError, PredictRequest};

/// The media type of lines of JSON.
const NDJSON: &str = "application/x-ndjson";

/// Whether the client asks for lines.
pub(in crate::api) fn wants_lines(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter();
    accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .any(|range| range.trim().eq_ignore_ascii_case(NDJSON))
}

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
    tokio::spawn(async move {
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
                if write(index, judge.outcome(predicted)).is_err() {
                    return;
                }
            }
        }
        let late = open.into_iter().enumerate().filter(|(_, open)| *open);
        for (index, _) in late {
            if write(index, judge.outcome(Err(EngineError::DeadlinePassed))).is_err() {
                return;
            }
        }
    });
    let body = stream::unfold(written, |mut written| async {
        let line = written.recv().await?;
        Some((Ok::<_, Infallible>(line), written))
    });
    ([(header::CONTENT_TYPE, NDJSON)], Body::from_stream(body)).into_response()
}

fn line(value: &impl Serialize) -> Bytes {
    // Our own types: strings, numbers and lists of them.
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn lines_are_for_those_who_ask_for_them() {
        let wants = |value: &'static str| {
            let accept = (header::ACCEPT, HeaderValue::from_static(value));
            wants_lines(&HeaderMap::from_iter([accept]))
        };
        assert!(wants("application/x-ndjson"));
        assert!(wants("application/json;q=0.5, Application/X-NDJSON; q=1"));
        assert!(!wants("*/*") && !wants("application/json"));
        assert!(!wants_lines(&HeaderMap::new()));
    }
}
