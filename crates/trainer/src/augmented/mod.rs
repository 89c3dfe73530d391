//! Augmented views as files, for viewing or for training elsewhere. The trainer itself does not
//! need them.
//!
//! The server makes the same views of the same crop: `imaging::augment::view`, drawn from the
//! crop's own seed. [`views`] writes them as PNGs at the trunk's input size; [`join`] makes one
//! tensor per cell.

pub(crate) mod join;
pub(crate) mod tensors;
pub(crate) mod views;
