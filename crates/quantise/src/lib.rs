//! A bundle's trunk once more in 8-bit integers or 16-bit floats, and what that changes.
//!
//! `trunk` reads the graph and says what of it has to stay as it is; `ranges` measures its tensors on images; `int8` and
//! `float16` write it anew; `compare` asks the engine with both trunks and `speed` times them; `write` makes the new
//! bundle and `report` says what came out. What may enter: rewriting graphs and comparing answers. What may not:
//! training, and arithmetic on answers that the engine does not do for the server, too.
//!
//! What the statistics depend on is never rewritten: they are held against calibration cells that were seen by the 32-bit
//! trunk, and p-values stay the same to the last bit.

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
