//! What may be asked of an answer in JSON and has no place in FHIR.

use super::text::is_allowed;
use crate::api::{accept::AnswerForm, predictions::PredictionQuery, problem::Problem};

/// Refuses what would be left out in silence.
///
/// # Errors
/// 422, with the parameter.
pub(in crate::api) fn check(form: AnswerForm, query: &PredictionQuery) -> Result<(), Problem> {
    if form != AnswerForm::Fhir {
        return Ok(());
    }
    let refusal = |name: &str| {
        let detail = format!("`{name}` has no place in an Observation");
        Problem::parameter(name, detail).hint("leave it out, or accept application/json")
    };
    if !query.compare.is_empty() {
        return Err(refusal("compare"));
    }
    if !query.include.is_empty() {
        return Err(refusal("include"));
    }
    Ok(())
}

/// Refuses an accession that a string of FHIR cannot hold: what identifies a specimen must not be changed.
///
/// # Errors
/// 422.
pub(in crate::api) fn check_accession(
    form: AnswerForm,
    accession: Option<&str>,
) -> Result<(), Problem> {
    let fits = accession.is_none_or(|text| text.chars().all(is_allowed));
    if form != AnswerForm::Fhir || fits {
        return Ok(());
    }
    let detail = "the accession has a control character, which FHIR does not allow";
    Err(Problem::parameter("accession", detail).hint("send the identifier alone"))
}
