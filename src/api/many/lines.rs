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
/// The media type of the whole answer.
const JSON: &str = "application/json";

/// Whether the client asks for lines, and for nothing else as much: generated clients name every media type of the document.
pub(in crate::api) fn wants_lines(headers: &HeaderMap) -> bool {
    quality(headers, NDJSON) > quality(headers, JSON)
}

/// How much a media type is wanted, from 0 to 1, by its own name alone: 0 where it is not named.
fn quality(headers: &HeaderMap, media_type: &str) -> f32 {
    let accepted = headers.get_all(header::ACCEPT).iter();
    let ranges = accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let qualities = ranges.filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_named = parts.next()?.eq_ignore_ascii_case(media_type);
        let given = parts.find_map(|part| part.strip_prefix("q="));
        is_named.then(|| given.map_or(Some(1.0), |given| given.trim().parse().ok()))?
    });
    qualities.fold(0.0, f32::max)
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
    fn lines_are_for_those_who_ask_for_them_more_than_for_json() {
        let wants = |value: &'static str| {
            let accept = (header::ACCEPT, HeaderValue::from_static(value));
            wants_lines(&HeaderMap::from_iter([accept]))
        };
        assert!(!wants_lines(&HeaderMap::new()));
        for accept in [
            "application/x-ndjson",
            "Application/X-NDJSON; charset=utf-8",
            "application/x-ndjson, */*",
            "application/json;q=0.5, application/x-ndjson",
        ] {
            assert!(wants(accept), "{accept}");
        }
        for accept in [
            "*/*",
            "application/json",
            "application/json, application/x-ndjson, application/problem+json",
            "application/x-ndjson;q=0",
            "application/json, application/x-ndjson; q=0.9",
        ] {
            assert!(!wants(accept), "{accept}");
        }
    }
}
