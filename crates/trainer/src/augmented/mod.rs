//! Augmented views as files, for whoever wants to look at them or to train elsewhere; our own training needs none.
//!
//! The views are those that the server makes of the same crop: `imaging::augment::view`, drawn from the crop's own seed.
//! [`views`] writes them as PNGs at the size that the trunk sees, [`join`] makes one tensor of each cell's.

pub(crate) mod join;
pub(crate) mod tensors;
pub(crate) mod views;
