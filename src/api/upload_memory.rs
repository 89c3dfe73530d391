//! What single images hold in memory, from the first byte of their upload to their answer.
//!
//! Each of them is small beside its limit, but hundreds may wait for their turn. Bytes are counted as they arrive, so that
//! a client that announces much and sends little keeps nobody else out.

use tokio::sync::{Semaphore, SemaphorePermit};

/// A permit for each byte.
pub(super) struct UploadMemory {
    free: Semaphore,
    bytes: usize,
}

impl UploadMemory {
    /// For `bytes` of all uploads together.
    pub(super) fn new(bytes: usize) -> Self {
        let bytes = bytes.min(Semaphore::MAX_PERMITS);
        Self {
            free: Semaphore::new(bytes),
            bytes,
        }
    }

    /// Bytes that are held now.
    pub(super) fn held(&self) -> usize {
        self.bytes.saturating_sub(self.free.available_permits())
    }

    /// The share of one upload, empty at first.
    pub(super) fn share(&self) -> UploadShare<'_> {
        UploadShare {
            memory: self,
            held: None,
        }
    }
}

/// What one upload holds; given back when it is dropped.
pub(super) struct UploadShare<'memory> {
    memory: &'memory UploadMemory,
    held: Option<SemaphorePermit<'memory>>,
}

/// All uploads together hold as much as they may.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoRoom;

impl UploadShare<'_> {
    /// Takes room for further bytes.
    ///
    /// # Errors
    /// [`NoRoom`] now; later there may be some.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let bytes = u32::try_from(bytes).map_err(|_| NoRoom)?;
        let further = self
            .memory
            .free
            .try_acquire_many(bytes)
            .map_err(|_| NoRoom)?;
        match &mut self.held {
            Some(held) => held.merge(further),
            None => self.held = Some(further),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
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
}
