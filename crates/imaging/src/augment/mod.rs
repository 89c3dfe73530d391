//! Changed views of a cell: flips, turns, random crops and colour jitter, for training and for test-time augmentation.
//!
//! The single operations are those of torchvision's `v2.functional` on 8-bit tensors. [`view`] draws them from a seed as an
//! [`AugmentPolicy`] says.

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
