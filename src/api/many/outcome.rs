//! What becomes of one cell among many.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::{
    api::{
        predictions::{AnswerOptions, PredictionAnswer, prediction_answer},
        problem::{Problem, ProblemBody},
    },
    telemetry,
};
use engine::{CellFinding, EngineError, Prediction, Warning};

/// An answer, or a problem that is this cell's alone.
pub(in crate::api) enum Outcome {
    Answered(Box<PredictionAnswer>),
    Refused(ProblemBody),
}

impl Outcome {
    /// As two members, of which the other is null.
    pub(in crate::api) fn into_members(self) -> (Option<PredictionAnswer>, Option<ProblemBody>) {
        match self {
            Self::Answered(answer) => (Some(*answer), None),
            Self::Refused(problem) => (None, Some(problem)),
        }
    }
}

/// Whether a cell has a problem that may be gone when the request is sent again. Left among a response's extensions, also
/// while its body is still being made: such an answer is not the last word.
#[derive(Clone, Debug, Default)]
pub(in crate::api) struct Unsettled(Arc<AtomicBool>);

impl Unsettled {
    pub(in crate::api) fn note(&self, problem: &Problem) {
        if problem.status().is_server_error() {
            self.0.store(true, Ordering::Release);
        }
    }

    pub(in crate::api) fn is_so(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What all answers of a request have in common.
pub(in crate::api) struct Judge {
    pub(in crate::api) options: AnswerOptions,
    /// What holds for every cell.
    pub(in crate::api) warning: Option<Warning>,
    pub(in crate::api) unsettled: Unsettled,
}

impl Judge {
    /// Turns what the engine says of a cell into what its client reads, and counts it.
    pub(in crate::api) fn outcome(&self, predicted: Result<Prediction, EngineError>) -> Outcome {
        match predicted {
            Ok(mut prediction) => {
                prediction.warnings.extend(self.warning.clone());
                telemetry::metrics::prediction_answered(&prediction);
                let answer = prediction_answer(&prediction, self.options.clone());
                Outcome::Answered(Box::new(answer))
            }
            Err(error) => self.refusal(&error.into()),
        }
    }

    /// A cell that has a problem.
    pub(in crate::api) fn refusal(&self, problem: &Problem) -> Outcome {
        self.unsettled.note(problem);
        Outcome::Refused(problem.body(&self.options.request_id))
    }
}

/// What of an answer counts for the overview.
pub(super) fn finding(
    index: usize,
    predicted: &Result<Prediction, EngineError>,
) -> Option<CellFinding> {
    let prediction = predicted.as_ref().ok()?;
    Some(CellFinding::of(index, prediction))
}
