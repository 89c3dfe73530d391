//! Image processing, from an untrusted file to a model's input: decode, crop at a nucleus, resize,
//! augment, normalise.
//!
//! The crate knows bytes, pixels and settings, but not HTTP, ONNX, models or files. It does not
//! trust its input: sizes are checked before memory is allocated, and every failure is an
//! [`ImageError`].
//!
//! ```text
//! bytes ─ decode ─▶ CellImage ─ crop_at_nucleus ─▶ CellImage
//!       ─ resize / augment::view ─▶ CellImage ─ push ─▶ InputTensor
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
