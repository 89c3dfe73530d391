//! From bytes of an unknown sender to the numbers a network reads: decode, crop at a nucleus, resize, augment, normalise.
//!
//! Enters: bytes, pixels and the plain settings of this crate. Does not enter: HTTP, ONNX, models, files. Nothing here
//! trusts what it is given: sizes are checked before memory is asked for, and every refusal is an [`ImageError`].
//!
//! ```text
//! bytes ─ decode ─▶ CellImage ─ crop_at_nucleus ─▶ CellImage ─ resize / augment::view ─▶ CellImage ─ push ─▶ InputTensor
//! ```

#![warn(clippy::indexing_slicing)]

pub mod augment;
mod cell_image;
mod crop;
mod decode;
mod error;
mod tensor;

pub use cell_image::{CellImage, MAX_OUTPUT_EDGE, ResizeFilter, resize};
pub use crop::{Padding, crop_at_nucleus, window};
pub use decode::{Format, Limits, decode};
pub use error::ImageError;
pub use tensor::{InputTensor, Normalisation};
