//! Conversion of the reference files' cases.

use evaluation::{EvaluationError, Predictions};
use serde_json::Value;
use testkit::numbers::{error_name, indices, matrix};

/// The probabilities and true classes of a case.
pub fn predictions_of(case: &Value) -> Result<Predictions, EvaluationError> {
    let inputs = &case["inputs"];
    Predictions::from_rows(&matrix(&inputs["probs"]), indices(&inputs["y_true"]))
}

/// The name that the reference files give to an error of an evaluation.
pub fn evaluation_error_name(error: &EvaluationError) -> String {
    match error {
        EvaluationError::Probabilities(error) => error_name(error),
        EvaluationError::Length { .. } => "shape".to_owned(),
        EvaluationError::Empty
        | EvaluationError::LabelOutOfRange { .. }
        | EvaluationError::NotFinite { .. } => error_name(error),
        _ => "domain".to_owned(),
    }
}
