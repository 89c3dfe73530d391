//! What becomes of one cell among many.

use crate::{
    api::{
        predictions::{AnswerOptions, PredictionAnswer, prediction_answer},
        problem::{Problem, ProblemBody},
    },
    engine::{EngineError, Finding, Prediction, Warning},
    telemetry,
};

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

/// What all answers of a request have in common.
pub(in crate::api) struct Judge {
    pub(in crate::api) options: AnswerOptions,
    /// What holds for every cell.
    pub(in crate::api) warning: Option<Warning>,
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

    /// A cell that never reached the engine.
    pub(in crate::api) fn refusal(&self, problem: &Problem) -> Outcome {
        Outcome::Refused(problem.body(&self.options.request_id))
    }
}

/// What of an answer counts for the overview.
pub(super) fn finding(
    index: usize,
    predicted: &Result<Prediction, EngineError>,
) -> Option<Finding> {
    let prediction = predicted.as_ref().ok()?;
    Some(Finding::of(index, prediction))
}
