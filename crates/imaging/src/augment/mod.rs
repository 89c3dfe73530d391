//! Augmented views of a cell: flips, rotations, random crops and colour jitter, for training and
//! for test-time augmentation.
//!
//! The operations agree with torchvision's `v2.functional` on 8-bit tensors. [`view`] draws their
//! parameters from a seed according to an [`AugmentPolicy`].

mod colour;
mod draws;
mod geometry;
mod hue;
mod policy;
mod view;

pub use colour::{adjust_brightness, adjust_contrast, adjust_saturation};
pub use geometry::{dihedral, hflip, resized_crop, vflip};
pub use hue::adjust_hue;
pub use policy::{AugmentPolicy, Augmentation};
pub use view::view;
