//! The accession: an identifier of the specimen that is passed through to the answer and never logged.

use axum::{extract::multipart::Field, http::HeaderMap};

use super::form;
use crate::api::problem::{Problem, ProblemKind};

const HEADER: &str = "x-accession";
const MAX_CHARACTERS: usize = 256;
/// A character of UTF-8 has up to four bytes.
const MAX_BYTES: usize = 4 * MAX_CHARACTERS;

/// Refuses one that is too long to be an identifier.
pub(in crate::api) fn checked(accession: Option<String>) -> Result<Option<String>, Problem> {
    match accession {
        Some(accession) if accession.chars().count() > MAX_CHARACTERS => Err(too_long()),
        accession => Ok(accession),
    }
}

fn too_long() -> Problem {
    let detail = format!("the accession has more than {MAX_CHARACTERS} characters");
    Problem::parameter("accession", detail).hint("send the identifier alone")
}

/// The accession in a part of a form.
pub(super) async fn of_part(part: &mut Field<'_>) -> Result<String, Problem> {
    let bytes = form::read_part(part, MAX_BYTES).await?;
    form::text(bytes.ok_or_else(too_long)?, "accession")
}

/// The accession in the headers, if there is one.
pub(super) fn of_headers(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(HEADER) else {
        return Ok(None);
    };
    let malformed = |_| {
        Problem::new(
            ProblemKind::RequestMalformed,
            "the header is not plain ASCII text",
        )
        .field("X-Accession")
        .hint("send the accession as the part `accession` of a form")
    };
    value
        .to_str()
        .map(|text| Some(text.to_owned()))
        .map_err(malformed)
}
