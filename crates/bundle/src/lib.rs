//! What a model directory says: `bundle.toml` and the ONNX files that it names.
//!
//! Here live the manifest, the checks that need no runtime (files, digests, values, operator sets) and the part of the
//! ONNX format that we read and write. What needs a session (tensor names and shapes) is checked by `engine`, which
//! loads them. Nothing here knows of HTTP or runs a model.

#![warn(clippy::indexing_slicing)]

mod error;
mod label;
mod manifest;
mod method;
pub mod onnx;
mod open;
mod precision;
pub mod prediction_sets;
mod snomed_ct;
mod validate;

pub use error::BundleError;
pub use label::{Label, abnormal_flags, abnormality, grades, high_grade_flags, severity};
pub use manifest::*;
pub use method::*;
pub use open::{Bundle, hex, sha256_hex};
pub use precision::{Agreement, Precision, TrunkVariant};
pub use prediction_sets::PredictionSets;
pub use snomed_ct::is_snomed_ct;
pub use validate::{BUNDLE_NAME, is_bundle_name};
