//! Model bundles: a directory with `bundle.toml` and the ONNX files that it names.
//!
//! This crate holds the manifest, the checks that need no runtime (files, digests, values, operator
//! sets) and the part of the ONNX format that this project reads and writes. The crate `engine`
//! loads the graphs and checks names and shapes of their tensors. Nothing in this crate uses HTTP
//! or runs a model.

#![warn(clippy::indexing_slicing)]

mod error;
mod label;
mod manifest;
mod method;
pub mod onnx;
mod open;
pub mod plain;
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
