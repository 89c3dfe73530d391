//! The accession: an identifier of the specimen that is passed through to the answer and never logged.

use axum::http::HeaderMap;

use crate::api::problem::{Problem, ProblemKind};

const HEADER: &str = "x-accession";
const MAX_CHARACTERS: usize = 256;
/// A character of UTF-8 has up to four bytes.
pub(super) const MAX_BYTES: usize = 4 * MAX_CHARACTERS;

/// Refuses one that is too long to be an identifier.
pub(super) fn checked(accession: String) -> Result<String, Problem> {
    if accession.chars().count() > MAX_CHARACTERS {
        return Err(too_long());
    }
    Ok(accession)
}

pub(super) fn too_long() -> Problem {
    let detail = format!("the accession has more than {MAX_CHARACTERS} characters");
    Problem::parameter("accession", detail).hint("send the identifier alone")
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
