//! Bodies whose bytes are counted while they are read, whoever reads them.

use std::{error::Error, iter::successors};

use axum::body::Body;
use futures_util::StreamExt;
use thiserror::Error;

use super::problem::Problem;

/// What ends a body that was refused.
#[derive(Debug, Error)]
#[error("the body was refused while it was read")]
struct Refused(Problem);

/// The same body, where `count` may refuse each piece for its number of bytes.
pub(super) fn counted(
    body: Body,
    mut count: impl FnMut(usize) -> Result<(), Problem> + Send + 'static,
) -> Body {
    let pieces = body.into_data_stream().map(move |piece| {
        let piece = piece?;
        count(piece.len()).map_err(|problem| axum::Error::new(Refused(problem)))?;
        Ok::<_, axum::Error>(piece)
    });
    Body::from_stream(pieces)
}

/// What `count` said, when that is what an error of the body's reader is about.
pub(super) fn refusal(error: &(dyn Error + 'static)) -> Option<Problem> {
    let mut causes = successors(Some(error), |&error| error.source());
    let refused = causes.find_map(|error| error.downcast_ref::<Refused>());
    refused.map(|Refused(problem)| problem.clone())
}
