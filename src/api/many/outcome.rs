//! What becomes of one cell among many.

use crate::{
    api::{
        predictions::{AnswerOptions, ImageIdentity, PredictionAnswer, prediction_answer},
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

/// What all answers of a request have in common.
pub(in crate::api) struct Judge {
    pub(in crate::api) options: AnswerOptions,
    /// What holds for every cell.
    pub(in crate::api) warning: Option<Warning>,
    /// The images, by the place of their cells.
    pub(in crate::api) images: Vec<ImageIdentity>,
}

impl Judge {
    /// Turns what the engine says of the cell at `place` into what its client reads, and counts it.
    pub(in crate::api) fn outcome(
        &self,
        place: usize,
        predicted: Result<Prediction, EngineError>,
    ) -> Outcome {
        match predicted {
            Ok(mut prediction) => {
                prediction.warnings.extend(self.warning.clone());
                telemetry::metrics::prediction_answered(&prediction);
                let image = self.images.get(place).cloned().unwrap_or_default();
                let answer = prediction_answer(&prediction, &image, self.options.clone());
                Outcome::Answered(Box::new(answer))
            }
            Err(error) => self.refusal(&error.into()),
        }
    }

    /// A cell that has a problem.
    pub(in crate::api) fn refusal(&self, problem: &Problem) -> Outcome {
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
