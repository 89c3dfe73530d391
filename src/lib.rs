//! `secondlook` classifies images of cervical cells and says how far to trust each answer.
//!
//! This package is the server and its command line:
//!
//! - [`api`]: HTTP routes, problem+json, the OpenAPI document. No arithmetic.
//! - [`cli`]: the commands of `secondlook`, with the same engine and the same answers as HTTP.
//! - [`config`]: one small struct per section, every key documented, unknown keys refused.
//! - [`telemetry`]: the log and the metrics.
//!
//! An image passes through these crates, in this order:
//!
//! - [`imaging`]: from bytes to pixels to an input tensor: decoding within limits, cropping at a
//!   nucleus, resizing, normalising, augmenting. Independent of HTTP and ONNX.
//! - [`bundle`]: the contents of a model directory: the manifest, its checks, the digests of its
//!   files.
//! - [`engine`]: ONNX Runtime, the bounded queue, the workers, and the four methods that turn an
//!   image into samples of class probabilities. Independent of HTTP.
//! - [`uncertainty`]: pure functions from samples to measures of uncertainty, calibration, and the
//!   decision to accept an answer or to refer the cell.
//! - [`quantise`]: a copy of a bundle's trunk in 8-bit integers or 16-bit floats, and a comparison
//!   of the answers.
//!
//! The crates `trainer` and `evaluation` make and measure bundles. This package does not depend on
//! them.

#![warn(clippy::indexing_slicing)]

pub mod api;
pub mod cli;
pub mod config;
pub mod telemetry;
