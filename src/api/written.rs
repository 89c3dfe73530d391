//! Answers are written where they hold nothing else up.

use axum::response::Response;
use tokio::task::spawn_blocking;
use tracing::error;

use super::problem::Problem;

/// Writing fewer bytes than this takes a few milliseconds at most.
const LARGE_BYTES: usize = 1 << 20;

/// Writes an answer of at most so many bytes; a large one outside the async threads, of which a small machine has one.
///
/// # Errors
/// 500, when writing panics.
pub(super) async fn written(
    most_bytes: usize,
    write: impl FnOnce() -> Response + Send + 'static,
) -> Result<Response, Problem> {
    if most_bytes < LARGE_BYTES {
        return Ok(write());
    }
    spawn_blocking(write).await.map_err(|error| {
        error!(%error, "an answer could not be written");
        Problem::mistake_of_ours()
    })
}
