//! What single images hold in memory, from the first byte of their upload until the last copy of them is dropped, which for
//! a client that went away is when its job leaves the queue.
//!
//! Each of them is small beside its limit, but hundreds may wait for their turn. Bytes are counted as they arrive, so that
//! a client that announces much and sends little keeps nobody else out.

use std::sync::Arc;

use axum::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A permit for each byte.
pub(super) struct UploadMemory {
    free: Arc<Semaphore>,
    bytes: usize,
}

impl UploadMemory {
    /// For `bytes` of all uploads together.
    pub(super) fn new(bytes: usize) -> Self {
        let bytes = bytes.min(Semaphore::MAX_PERMITS);
        Self {
            free: Arc::new(Semaphore::new(bytes)),
            bytes,
        }
    }

    /// Bytes that are held now.
    pub(super) fn held(&self) -> usize {
        self.bytes.saturating_sub(self.free.available_permits())
    }

    /// The share of one upload, empty at first.
    pub(super) fn share(&self) -> UploadShare {
        UploadShare {
            free: Arc::clone(&self.free),
            held: None,
        }
    }
}

/// What one upload holds; given back when it is dropped.
pub(super) struct UploadShare {
    free: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

/// All uploads together hold as much as they may.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoRoom;

impl UploadShare {
    /// Takes room for further bytes.
    ///
    /// # Errors
    /// [`NoRoom`] now; later there may be some.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let bytes = u32::try_from(bytes).map_err(|_| NoRoom)?;
        let free = Arc::clone(&self.free);
        let further = free.try_acquire_many_owned(bytes).map_err(|_| NoRoom)?;
        match &mut self.held {
            Some(held) => held.merge(further),
            None => self.held = Some(further),
        }
        Ok(())
    }

    /// The image that the room was taken for; it gives the room back when nobody has a copy of it any more.
    pub(super) fn of(self, image: Bytes) -> Bytes {
        Bytes::from_owner(Held {
            image,
            _share: self,
        })
    }
}

struct Held {
    image: Bytes,
    _share: UploadShare,
}

impl AsRef<[u8]> for Held {
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
        let memory = UploadMemory::new(100);
        let (mut first, mut second) = (memory.share(), memory.share());
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
    fn room_is_given_back_with_the_last_copy() {
        let memory = UploadMemory::new(100);
        let mut share = memory.share();
        assert_eq!(share.grow(3), Ok(()));
        let image = share.of(Bytes::from_static(b"png"));
        let copy = image.clone();
        drop(image);
        assert_eq!((memory.held(), &*copy), (3, &b"png"[..]));
        drop(copy);
        assert_eq!(memory.held(), 0);
    }
}
