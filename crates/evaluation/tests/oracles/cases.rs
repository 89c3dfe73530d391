//! The cases of the reference files, as an evaluation takes them.

use evaluation::{EvaluationError, Predictions};
use serde_json::Value;
use testkit::numbers::{indices, matrix, samples_error_name};

/// The probabilities and the truth of a case.
pub fn predictions_of(case: &Value) -> Result<Predictions, EvaluationError> {
    let inputs = &case["inputs"];
    Predictions::from_rows(&matrix(&inputs["probs"]), indices(&inputs["y_true"]))
}

/// The name that the reference files give to an error of an evaluation.
pub fn evaluation_error_name(error: &EvaluationError) -> &'static str {
    match error {
        EvaluationError::Probabilities(error) => samples_error_name(error),
        EvaluationError::Empty => "empty",
        EvaluationError::Length { .. } => "shape",
        EvaluationError::LabelOutOfRange { .. } => "label_out_of_range",
        EvaluationError::NotFinite { .. } => "not_finite",
        _ => "domain",
    }
}
