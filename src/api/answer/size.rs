//! How large an answer can get, reckoned before anything is run: a small request must not make an answer that the server
//! has no memory for. Large ones are written where they hold nothing else up.

use axum::{
    Json,
    http::header,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tokio::task::spawn_blocking;
use tracing::error;

use crate::api::{
    accept::AnswerForm,
    problem::{Problem, ProblemKind},
    service::Service,
};
use bundle::Label;
use engine::Extent;

/// The longest number in JSON and the comma behind it: `2.2250738585072014e-308,`.
pub(in crate::api) const NUMBER_BYTES: usize = 24;
/// Everything of a cell's answer that is there once, an accession and an `Observation` of FHIR included.
const CELL_BYTES: usize = 8192;
/// The measures and the decision of a method.
const METHOD_BYTES: usize = 2048;
/// What stands around the two numbers of a class' probability.
const NAMES_BYTES: usize = 48;
/// The brackets of a sample and the comma behind them.
const BRACKETS_BYTES: usize = 3;
/// A pixel of a picture has a byte for each colour, which base64 writes with four characters for three.
const PIXEL_BYTES: usize = 4;
/// What a PNG file has beside its pixels, with room to spare.
const PICTURE_BYTES: usize = 4096;

/// Writing fewer bytes than this takes a few milliseconds at most.
const LARGE_BYTES: usize = 1 << 20;

/// Bytes that the answers for so many cells have at most, in any form that `/v1` answers in.
pub(in crate::api) fn bytes_of_cells(
    extent: &Extent,
    labels: &[Label],
    cells: usize,
    with_samples: bool,
) -> usize {
    let row = labels.len().saturating_mul(NUMBER_BYTES);
    let class =
        |label: &Label| bytes_of_text(&label.name).saturating_add(NAMES_BYTES + 2 * NUMBER_BYTES);
    let classes = labels.iter().map(class).fold(0, usize::saturating_add);
    let method = classes.saturating_add(METHOD_BYTES);
    let samples = if with_samples { extent.samples } else { 0 };
    let parts = [
        CELL_BYTES,
        method.saturating_mul(extent.methods),
        row.saturating_add(BRACKETS_BYTES).saturating_mul(samples),
        picture(extent.picture_edge).saturating_mul(extent.pictures),
    ];
    let cell = parts.into_iter().fold(0, usize::saturating_add);
    cell.saturating_mul(cells)
}

/// A text in JSON, of which each byte may have to be escaped, and the comma behind it.
pub(in crate::api) fn bytes_of_text(text: &str) -> usize {
    text.len().saturating_mul(6).saturating_add(3)
}

fn picture(edge: u32) -> usize {
    let edge = usize::try_from(edge).unwrap_or(usize::MAX);
    let pixels = edge.saturating_mul(edge);
    pixels
        .saturating_mul(PIXEL_BYTES)
        .saturating_add(PICTURE_BYTES)
}

impl Service {
    /// Refuses a request whose answer could have so many bytes when that is more than the limit.
    ///
    /// # Errors
    /// 422, for what is larger than `limits.max_answer_bytes`.
    pub(in crate::api) fn check_answer_bytes(&self, bytes: usize) -> Result<(), Problem> {
        let most = self.max_answer_bytes();
        if bytes <= most {
            return Ok(());
        }
        let detail = format!("the answer could have {bytes} bytes, and at most {most} are sent");
        let problem = Problem::new(ProblemKind::AnswerTooLarge, detail);
        Err(problem.hint(
            "ask for fewer cells, fewer `passes` or fewer methods at a time, or leave the samples out; \
             the operator of this server can raise limits.max_answer_bytes",
        ))
    }
}

/// Does work on so many bytes; on many outside the async threads, of which a small machine has one.
///
/// # Errors
/// 500, when the work panics.
pub(in crate::api) async fn off_the_async_threads<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    if bytes < LARGE_BYTES {
        return Ok(work());
    }
    spawn_blocking(work).await.map_err(|error| {
        error!(%error, "work on a large request or answer failed");
        Problem::mistake_of_ours()
    })
}

/// Writes an answer of at most so many bytes in JSON, under the media type of its form.
///
/// # Errors
/// 500, when writing panics.
pub(in crate::api) async fn written_as(
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
