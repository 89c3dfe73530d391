//! Memory of uploads, from their first byte until the last copy is dropped. For a single image of a
//! client that disconnected, that is when its job leaves the queue.
//!
//! One upload is small, but hundreds may wait. Each upload reserves memory as its bytes arrive, so
//! that a client that announces much and sends little does not block others.

use std::{
    error::Error,
    iter::successors,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::sync::Semaphore;

use crate::api::problem::Problem;

/// Upload memory, with one permit for each byte.
pub(in crate::api) struct UploadMemory {
    free: Arc<Semaphore>,
    bytes: usize,
    most_of_one: usize,
}

impl UploadMemory {
    /// Memory of `bytes` for all uploads together. One upload counts for at most `most_of_one`: the
    /// overhead of a form must not make the largest image exceed the whole memory.
    pub(in crate::api) fn new(bytes: usize, most_of_one: usize) -> Self {
        let bytes = bytes.min(Semaphore::MAX_PERMITS);
        Self {
            free: Arc::new(Semaphore::new(bytes)),
            bytes,
            most_of_one,
        }
    }

    /// Number of bytes that are held now.
    pub(in crate::api) fn held(&self) -> usize {
        self.bytes.saturating_sub(self.free.available_permits())
    }

    /// The share of one upload, empty at first.
    pub(in crate::api) fn share(&self) -> UploadShare {
        UploadShare(Arc::new(HeldBytes {
            free: Arc::clone(&self.free),
            held: AtomicUsize::new(0),
            most: self.most_of_one,
        }))
    }
}

/// The memory of one upload, released when its last clone is dropped.
#[derive(Clone)]
pub(in crate::api) struct UploadShare(Arc<HeldBytes>);

struct HeldBytes {
    free: Arc<Semaphore>,
    held: AtomicUsize,
    most: usize,
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.free.add_permits(*self.held.get_mut());
    }
}

/// Upload memory is full.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::api) struct NoRoom;

impl UploadShare {
    /// Reserves memory for further bytes.
    ///
    /// # Errors
    /// [`NoRoom`] if upload memory is full.
    pub(in crate::api) fn grow(&self, bytes: usize) -> Result<(), NoRoom> {
        let HeldBytes { free, held, most } = &*self.0;
        let further = bytes.min(most.saturating_sub(held.load(Ordering::Relaxed)));
        let permits = u32::try_from(further).map_err(|_| NoRoom)?;
        free.try_acquire_many(permits).map_err(|_| NoRoom)?.forget();
        held.fetch_add(further, Ordering::Relaxed);
        Ok(())
    }

    /// Binds an image to its memory, which is released when its last copy is dropped.
    pub(in crate::api) fn of(self, image: Bytes) -> Bytes {
        Bytes::from_owner(HeldImage {
            image,
            _share: self,
        })
    }
}

struct HeldImage {
    image: Bytes,
    _share: UploadShare,
}

impl AsRef<[u8]> for HeldImage {
    fn as_ref(&self) -> &[u8] {
        &self.image
    }
}

/// The error of a body that was refused while it was read.
#[derive(Debug, thiserror::Error)]
#[error("the body was refused while it was read")]
struct Refused(Problem);

/// The problem that `count` returned, if that caused an error of the body's reader.
pub(in crate::api) fn refusal(error: &(dyn Error + 'static)) -> Option<Problem> {
    let mut causes = successors(Some(error), |&error| error.source());
    let refused = causes.find_map(|error| error.downcast_ref::<Refused>());
    refused.map(|Refused(problem)| problem.clone())
}

type Count = Box<dyn FnMut(usize) -> Result<(), Problem> + Send>;

/// A body whose bytes are counted. Its clones continue where another one stopped.
#[derive(Clone)]
pub(in crate::api) struct WatchedBody(Arc<Mutex<(Body, Count)>>);

impl WatchedBody {
    /// `count` is called with the size of each piece and may refuse it.
    pub(in crate::api) fn new(
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

#[cfg(test)]
mod tests {
    use axum::body::Bytes;

    use super::{NoRoom, UploadMemory};

    #[test]
    fn memory_is_shared_and_released() {
        let memory = UploadMemory::new(100, 1000);
        let (first, second) = (memory.share(), memory.share());
        assert_eq!(first.grow(40), Ok(()));
        assert_eq!(first.grow(30), Ok(()));
        assert_eq!(second.grow(31), Err(NoRoom));
        assert_eq!(second.grow(30), Ok(()));
        assert_eq!(memory.held(), 100);
        drop(first);
        assert_eq!(memory.held(), 30);
        assert_eq!(second.grow(70), Ok(()));
        assert_eq!(second.grow(1), Err(NoRoom));
    }

    #[test]
    fn one_upload_counts_up_to_its_limit() {
        let memory = UploadMemory::new(100, 60);
        let share = memory.share();
        assert_eq!(share.grow(50), Ok(()));
        assert_eq!(share.clone().grow(50), Ok(()));
        assert_eq!(share.grow(50), Ok(()));
        assert_eq!(memory.held(), 60);
        drop(share);
        assert_eq!(memory.held(), 0);
    }

    #[test]
    fn last_copy_releases_memory() {
        let memory = UploadMemory::new(100, 1000);
        let share = memory.share();
        assert_eq!(share.grow(3), Ok(()));
        let image = share.of(Bytes::from_static(b"png"));
        let copy = image.clone();
        drop(image);
        assert_eq!((memory.held(), &*copy), (3, &b"png"[..]));
        drop(copy);
        assert_eq!(memory.held(), 0);
    }
}
