//! Trunks that others made: any image classifier given as ONNX becomes a trunk, image → features.
//!
//! Enters: ONNX files from anywhere, so nothing of them is believed before ONNX Runtime has run it. [`import`] finds where
//! to [`cut`], takes the part before it out of the [`source`], compares the two and writes the trunk beside a
//! [`description`] of what it wants to see. Does not enter: features of cells, heads.

pub(crate) mod batch;
pub(crate) mod check;
pub(crate) mod command;
pub(crate) mod cut;
pub(crate) mod description;
pub(crate) mod import;
pub(crate) mod part;
pub(crate) mod raw;
pub(crate) mod source;
