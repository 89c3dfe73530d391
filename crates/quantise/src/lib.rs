//! Makes copies of a bundle's trunk in 8-bit integers or 16-bit floats, and measures what changes.
//!
//! Modules:
//!
//! - `trunk` reads the graph and finds the nodes that must not change.
//! - `ranges` measures tensors on images.
//! - `int8` and `float16` rewrite the graph.
//! - `compare` answers images with both trunks, and `speed` times them.
//! - `write` writes the new bundle, and `report` the results.
//!
//! The crate does not train models, and it answers images only through the engine.
//!
//! Nodes that the statistics depend on are never rewritten. So p-values are bit-identical with both
//! trunks, as the out-of-distribution model requires: it was fitted with the 32-bit trunk.

#![warn(clippy::indexing_slicing)]

mod command;
mod compare;
mod error;
mod float16;
mod images;
mod int8;
mod int8_plan;
mod ranges;
mod report;
mod scale;
mod speed;
mod trunk;
mod write;

pub use command::{Quantisation, quantise};
pub use error::QuantiseError;
pub use images::{LabelledImage, with_folder_labels, with_table_labels};
pub use report::QuantisationReport;
