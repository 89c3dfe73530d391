//! The answer for one cell, in the form that is wanted.

use axum::response::Response;

use crate::api::{
    accept::AnswerForm,
    answer::{PredictionAnswer, written_as},
    fhir::{self, ObservedCell},
    problem::Problem,
};
use bundle::Label;

/// Writes an answer that has at most so many bytes. `labels` are the model's.
///
/// # Errors
/// 500, when it cannot be written.
pub(super) async fn write(
    form: AnswerForm,
    answer: PredictionAnswer,
    labels: &[Label],
    most_bytes: usize,
) -> Result<Response, Problem> {
    if form == AnswerForm::Fhir {
        let observation = fhir::observation(&answer, labels, ObservedCell::default());
        return written_as(form, most_bytes, observation).await;
    }
    written_as(form, most_bytes, answer).await
}
