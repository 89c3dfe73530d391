//! Many cells in one request. Each gets an answer or a problem of its own: all together in their
//! order, or one line for each as it finishes (`application/x-ndjson`).

use std::{convert::Infallible, pin::pin, time::Instant};

use axum::{
    body::{Body, Bytes},
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use tokio::{sync::mpsc, time::timeout_at};
use tracing::Instrument;

use super::{AnswerOptions, PredictionAnswer, prediction_answer};
use crate::{
    api::{
        accept::AnswerForm,
        problem::{Problem, ProblemBody},
    },
    telemetry,
};
use engine::{CellFinding, Engine, EngineError, Prediction, RequestPlan, Subject, Warning};

/// An answer, or a problem of this cell alone.
pub(in crate::api) enum CellOutcome {
    Answered(Box<PredictionAnswer>),
    Refused(ProblemBody),
}

impl CellOutcome {
    /// As two members; the other one is `None`.
    pub(in crate::api) fn into_members(self) -> (Option<PredictionAnswer>, Option<ProblemBody>) {
        match self {
            Self::Answered(answer) => (Some(*answer), None),
            Self::Refused(problem) => (None, Some(problem)),
        }
    }
}

/// The shared parts of a request's answers.
pub(in crate::api) struct CellResponder {
    pub(in crate::api) options: AnswerOptions,
    /// A warning for every cell.
    pub(in crate::api) warning: Option<Warning>,
}

impl CellResponder {
    /// Turns the engine's result for a cell into the client's, and counts it.
    fn outcome(&self, predicted: Result<Prediction, EngineError>) -> CellOutcome {
        match predicted {
            Ok(mut prediction) => {
                prediction.warnings.extend(self.warning.clone());
                telemetry::metrics::prediction_answered(&prediction);
                let answer = prediction_answer(&prediction, &self.options);
                CellOutcome::Answered(Box::new(answer))
            }
            Err(error) => self.refusal(&error.into()),
        }
    }

    /// The result for a cell with a problem.
    fn refusal(&self, problem: &Problem) -> CellOutcome {
        CellOutcome::Refused(problem.body(&self.options.request_id))
    }
}

/// Runs every cell that has an image. The others keep their problems.
pub(in crate::api) async fn answer_in_order(
    engine: &Engine,
    plan: &RequestPlan,
    responder: &CellResponder,
    cells: Vec<Result<Subject, Problem>>,
) -> (Vec<CellOutcome>, Vec<CellFinding>) {
    let (mut outcomes, mut findings) = (Vec::with_capacity(cells.len()), Vec::new());
    let (mut subjects, mut places) = (Vec::new(), Vec::new());
    for (place, cell) in cells.into_iter().enumerate() {
        match cell {
            Ok(subject) => {
                subjects.push(subject);
                places.push(place);
            }
            Err(problem) => outcomes.push((place, responder.refusal(&problem))),
        }
    }
    let mut answers = pin!(engine.predict_all(plan, subjects));
    while let Some((index, predicted)) = answers.next().await {
        let place = places.get(index).copied().unwrap_or(index);
        let prediction = predicted.as_ref();
        findings.extend(prediction.map(|prediction| CellFinding::of(place, prediction)));
        outcomes.push((place, responder.outcome(predicted)));
    }
    outcomes.sort_by_key(|(place, _)| *place);
    let in_order = outcomes.into_iter().map(|(_, outcome)| outcome);
    (in_order.collect(), findings)
}

/// Answers in a task of its own, so that a slow reader keeps neither its field nor the engine busy.
/// The task ends when the client disconnects. Cells without an answer at `limit` get a problem.
/// `held` is dropped when the engine is done.
pub(in crate::api) fn stream_lines<Line: Serialize>(
    engine: Engine,
    plan: RequestPlan,
    responder: CellResponder,
    subjects: Vec<Subject>,
    limit: Instant,
    held: impl Send + 'static,
    line_of: impl Fn(usize, CellOutcome) -> Line + Send + Sync + 'static,
) -> Response {
    // Capacity for every line, so that writing never waits.
    let (lines, written) = mpsc::channel::<Bytes>(subjects.len().max(1));
    let answering = async move {
        let _held = held;
        let mut open: Vec<bool> = vec![true; subjects.len()];
        let write =
            |index: usize, outcome: CellOutcome| lines.try_send(line(&line_of(index, outcome)));
        {
            let mut answers = pin!(engine.predict_all(&plan, subjects));
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
                if write(index, responder.outcome(predicted)).is_err() {
                    return;
                }
            }
        }
        let late = open.into_iter().enumerate().filter(|(_, open)| *open);
        for (index, _) in late {
            let outcome = responder.outcome(Err(EngineError::DeadlinePassed));
            if write(index, outcome).is_err() {
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
    // These types are strings, numbers and lists, so writing cannot fail.
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line.into()
}
