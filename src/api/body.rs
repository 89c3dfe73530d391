//! A body that is watched while somebody reads it, and whose rest can be read afterwards.

use std::{
    error::Error,
    iter::successors,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

use super::problem::Problem;

/// What ends a body that was refused.
#[derive(Debug, thiserror::Error)]
#[error("the body was refused while it was read")]
struct Refused(Problem);

/// What `count` said, when that is what an error of the body's reader is about.
pub(super) fn refusal(error: &(dyn Error + 'static)) -> Option<Problem> {
    let mut causes = successors(Some(error), |&error| error.source());
    let refused = causes.find_map(|error| error.downcast_ref::<Refused>());
    refused.map(|Refused(problem)| problem.clone())
}

type Count = Box<dyn FnMut(usize) -> Result<(), Problem> + Send>;

/// The same body. Its clones read on where another one has stopped.
#[derive(Clone)]
pub(super) struct WatchedBody(Arc<Mutex<(Body, Count)>>);

impl WatchedBody {
    /// `count` may refuse each piece for its number of bytes.
    pub(super) fn new(
        body: Body,
        count: impl FnMut(usize) -> Result<(), Problem> + Send + 'static,
    ) -> Self {
        Self(Arc::new(Mutex::new((body, Box::new(count)))))
    }

    fn lock(&self) -> MutexGuard<'_, (Body, Count)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let (body, count) = &mut *self.lock();
        let frame = ready!(Pin::new(body).poll_frame(context));
        let bytes = frame
            .as_ref()
            .and_then(|frame| frame.as_ref().ok()?.data_ref());
        if let Some(Err(problem)) = bytes.map(|bytes| count(bytes.len())) {
            return Poll::Ready(Some(Err(axum::Error::new(Refused(problem)))));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.lock().0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().0.size_hint()
    }
}
