//! The form of an answer, by the header `Accept` (RFC 9110, section 12.5.1), and writing it.

use axum::{
    Json,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tokio::task::spawn_blocking;
use tracing::error;

use super::problem::{Problem, ProblemKind};

/// The version of FHIR of the answers, as clients may ask for it (`fhirVersion=4.0`).
const FHIR_VERSION: &str = "4.0";

/// Writing fewer bytes than this takes a few milliseconds at most.
const LARGE_BYTES: usize = 1 << 20;

/// A form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerForm {
    /// One JSON document.
    Json,
    /// A line of JSON per cell, as it finishes.
    Lines,
    /// Resources of FHIR R4.
    Fhir,
}

/// How well a form suits: the client's weight, then how exactly the client named it.
type Suitability = (f32, u8);

impl AnswerForm {
    /// Its media type.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Lines => "application/x-ndjson",
            Self::Fhir => "application/fhir+json",
        }
    }

    /// The form with the highest weight. Of equal ones, the one that the client names; then the
    /// first of `offered`.
    ///
    /// # Errors
    /// 406 if the client accepts none of them.
    pub(super) fn wanted(headers: &HeaderMap, offered: &[Self]) -> Result<Self, Problem> {
        let values = headers.get_all(header::ACCEPT).iter();
        let text: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
        let ranges: Vec<MediaRange> = text
            .iter()
            .flat_map(|value| value.split(','))
            .filter_map(MediaRange::read)
            .collect();
        let first = offered.first().copied().unwrap_or(Self::Json);
        if ranges.is_empty() {
            return Ok(first);
        }
        let mut best: Option<(Self, Suitability)> = None;
        for form in offered {
            let Some(suits) = form.suitability(&ranges) else {
                continue;
            };
            if best.is_none_or(|(_, so_far)| suits > so_far) {
                best = Some((*form, suits));
            }
        }
        best.map(|(form, _)| form)
            .ok_or_else(|| not_acceptable(offered))
    }

    /// The weight of the most exact range that covers a form; `None` if the client does not accept
    /// it.
    fn suitability(self, ranges: &[MediaRange]) -> Option<Suitability> {
        let covering = ranges.iter().filter_map(|range| {
            let exactness = range.exactness(self)?;
            Some((exactness, range.weight))
        });
        let (exactness, weight) =
            covering.max_by(|left, right| left.0.cmp(&right.0).then(left.1.total_cmp(&right.1)))?;
        (weight > 0.0).then_some((weight, exactness))
    }
}

/// One entry of the header.
struct MediaRange<'header> {
    essence: &'header str,
    weight: f32,
    fhir_version: Option<&'header str>,
}

impl<'header> MediaRange<'header> {
    fn read(text: &'header str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next().filter(|essence| !essence.is_empty())?;
        let mut range = Self {
            essence,
            weight: 1.0,
            fhir_version: None,
        };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            match name.trim().to_ascii_lowercase().as_str() {
                // A weight that cannot be read is ignored.
                "q" => range.weight = value.trim().parse().unwrap_or(1.0),
                "fhirversion" => range.fhir_version = Some(value.trim().trim_matches('"')),
                _ => {}
            }
        }
        range.weight = if range.weight.is_finite() {
            range.weight.clamp(0.0, 1.0)
        } else {
            1.0
        };
        Some(range)
    }

    /// How exactly it names a form; `None` if it does not cover it.
    fn exactness(&self, form: AnswerForm) -> Option<u8> {
        if form == AnswerForm::Fhir && self.fhir_version.is_some_and(|asked| asked != FHIR_VERSION)
        {
            return None;
        }
        let essence = self.essence;
        if essence.eq_ignore_ascii_case(form.media_type()) {
            Some(2)
        } else if essence.eq_ignore_ascii_case("application/*") {
            Some(1)
        } else {
            (essence == "*/*").then_some(0)
        }
    }
}

fn not_acceptable(offered: &[AnswerForm]) -> Problem {
    let names: Vec<&str> = offered.iter().map(|form| form.media_type()).collect();
    let detail = format!(
        "`Accept` names no media type of this route: expected {}",
        names.join(" or ")
    );
    Problem::new(ProblemKind::NotAcceptable, detail)
        .field("Accept")
        .hint("leave `Accept` out, or send one of these media types")
}

/// Runs work on a number of bytes. If there are many, it runs outside the async threads, of which a
/// small machine has one.
///
/// # Errors
/// 500 if the work panics.
pub(super) async fn off_the_async_threads<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    if bytes < LARGE_BYTES {
        return Ok(work());
    }
    spawn_blocking(work).await.map_err(|error| {
        error!(%error, "reading a large request or writing a large answer failed");
        Problem::internal_error()
    })
}

/// Writes an answer of at most `most_bytes` in JSON, under the media type of its form.
///
/// # Errors
/// 500 if writing panics.
pub(super) async fn written_as(
    form: AnswerForm,
    most_bytes: usize,
    answer: impl Serialize + Send + 'static,
) -> Result<Response, Problem> {
    let content_type = [(header::CONTENT_TYPE, form.media_type())];
    off_the_async_threads(most_bytes, move || {
        (content_type, Json(answer)).into_response()
    })
    .await
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const ALL: [AnswerForm; 3] = [AnswerForm::Json, AnswerForm::Lines, AnswerForm::Fhir];

    fn wanted(accept: &'static str) -> Result<AnswerForm, Problem> {
        let accept = (header::ACCEPT, HeaderValue::from_static(accept));
        AnswerForm::wanted(&HeaderMap::from_iter([accept]), &ALL)
    }

    #[test]
    fn preferred_form_is_chosen() {
        let cases = [
            ("", AnswerForm::Json),
            ("*/*", AnswerForm::Json),
            ("application/*", AnswerForm::Json),
            ("application/x-ndjson", AnswerForm::Lines),
            ("Application/FHIR+json; fhirVersion=4.0", AnswerForm::Fhir),
            (
                "application/fhir+json; fhirVersion=\"4.0\"",
                AnswerForm::Fhir,
            ),
            (
                "application/json;q=0.5, Application/X-NDJSON; q=1",
                AnswerForm::Lines,
            ),
            (
                "application/fhir+json;q=0.9, application/json;q=0.3",
                AnswerForm::Fhir,
            ),
            ("application/fhir+json, */*", AnswerForm::Fhir),
            (
                "application/json, application/x-ndjson, application/fhir+json",
                AnswerForm::Json,
            ),
            ("application/fhir+json, application/json", AnswerForm::Json),
            (
                "text/html, application/xml;q=0.9, */*;q=0.8",
                AnswerForm::Json,
            ),
            ("application/json;q=0, */*;q=0.1", AnswerForm::Lines),
            ("application/fhir+json;q=much", AnswerForm::Fhir),
        ];
        for (accept, form) in cases {
            assert_eq!(wanted(accept).unwrap(), form, "{accept}");
        }
        assert_eq!(
            AnswerForm::wanted(&HeaderMap::new(), &ALL).unwrap(),
            AnswerForm::Json
        );
    }

    #[test]
    fn unknown_media_types_are_refused() {
        for accept in [
            "application/fhir+xml",
            "text/*",
            "application/json;q=0",
            "application/fhir+json; fhirVersion=5.0",
        ] {
            let body = wanted(accept).unwrap_err().body("id");
            assert_eq!(body.status, 406, "{accept}");
            assert!(body.detail.contains("application/fhir+json"));
        }
    }
}
