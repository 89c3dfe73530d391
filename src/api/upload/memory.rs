//! What uploads hold in memory, from their first byte until the last copy of them is dropped, which for a single image of a
//! client that went away is when its job leaves the queue.
//!
//! Each of them is small beside its limit, but hundreds may wait for their turn. Bytes are counted as they arrive, so that
//! a client that announces much and sends little keeps nobody else out.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::body::Bytes;
use tokio::sync::Semaphore;

/// A permit for each byte.
pub(in crate::api) struct UploadMemory {
    free: Arc<Semaphore>,
    bytes: usize,
    most_of_one: usize,
}

impl UploadMemory {
    /// For `bytes` of all uploads together, of which one counts for at most `most_of_one`: what a form adds to the largest
    /// image must not make it larger than the whole.
    pub(in crate::api) fn new(bytes: usize, most_of_one: usize) -> Self {
        let bytes = bytes.min(Semaphore::MAX_PERMITS);
        Self {
            free: Arc::new(Semaphore::new(bytes)),
            bytes,
            most_of_one,
        }
    }

    /// Bytes that are held now.
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

/// What one upload holds; given back when its last clone is dropped.
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

/// All uploads together hold as much as they may.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::api) struct NoRoom;

impl UploadShare {
    /// Takes room for further bytes.
    ///
    /// # Errors
    /// [`NoRoom`] now; later there may be some.
    pub(in crate::api) fn grow(&self, bytes: usize) -> Result<(), NoRoom> {
        let HeldBytes { free, held, most } = &*self.0;
        let further = bytes.min(most.saturating_sub(held.load(Ordering::Relaxed)));
        let permits = u32::try_from(further).map_err(|_| NoRoom)?;
        free.try_acquire_many(permits).map_err(|_| NoRoom)?.forget();
        held.fetch_add(further, Ordering::Relaxed);
        Ok(())
    }

    /// The image that the room was taken for; it gives the room back when nobody has a copy of it any more.
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

#[cfg(test)]
mod tests {
    use axum::body::Bytes;

    use super::{NoRoom, UploadMemory};

    #[test]
    fn room_is_shared_and_given_back() {
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
    fn one_upload_never_counts_for_more_than_the_largest() {
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
    fn room_is_given_back_with_the_last_copy() {
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
