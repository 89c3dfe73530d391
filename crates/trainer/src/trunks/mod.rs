//! Trunks that others made: any image classifier given as ONNX becomes a trunk, image → features.
//!
//! Enters: ONNX files from anywhere, so nothing of them is believed before ONNX Runtime has run it. [`import`] finds where
//! to [`cut`], takes the part before it out of the [`source`], compares the two and writes the trunk beside a
//! [`description`] of what it wants to see. Does not enter: features of cells, heads.

pub mod batch;
pub mod check;
pub mod command;
pub mod cut;
pub mod description;
pub mod import;
pub mod part;
pub mod raw;
pub mod source;
