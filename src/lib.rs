//! Which cells need a second look? `secondlook` classifies cervical-cell images and says how far each answer can be
//! trusted.
//!
//! This package is the server and its command line:
//!
//! - [`api`]: HTTP: routes, problem+json, the OpenAPI document. Holds no arithmetic.
//! - [`cli`]: the commands of `secondlook`, on the same engine and with the same answers as HTTP.
//! - [`config`]: one small struct per concern, every key documented, unknown keys refused.
//! - [`telemetry`]: the log and the metrics.
//!
//! What it does with an image lies in crates of their own, in the order in which an image passes through them:
//!
//! - [`imaging`]: bytes become pixels and pixels become an input tensor: decoding behind limits, cropping at a nucleus,
//!   resizing, normalising, augmenting. Knows nothing of HTTP or ONNX.
//! - [`bundle`]: what a model directory says: the manifest, its checks, the digests of its files.
//! - [`engine`]: ONNX Runtime, the bounded queue and the workers before it, and the four methods that turn one image
//!   into samples of class probabilities. Knows nothing of HTTP.
//! - [`uncertainty`]: pure functions from samples to measures of uncertainty, calibration and the decision to accept an
//!   answer or refer the cell for a second look.
//! - [`quantise`]: a bundle's trunk once more in 8-bit integers or 16-bit floats, and what that changes.
//!
//! The crates `trainer` and `evaluation` make bundles and measure them; nothing here depends on them.

#![warn(clippy::indexing_slicing)]

pub mod api;
pub mod cli;
pub mod config;
pub mod telemetry;
