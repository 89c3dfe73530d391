//! What a model directory says: `bundle.toml` and the ONNX files that it names.
//!
//! Here live the manifest, the checks that need no runtime (files, digests, names, operator sets) and the part of the
//! ONNX format that we read and write. What needs a session (tensor names and shapes) is checked by `engine`, which
//! loads them. Nothing here knows of HTTP or runs a model.

mod method;
mod manifest;
pub mod onnx;

pub use manifest::*;
pub use method::{Method, UnknownMethod};
