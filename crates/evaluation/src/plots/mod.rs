//! Plots as SVG, one small file for each kind.
//!
//! Colours are those of Okabe and Ito, which colour-blind people can tell apart. A pattern, a dash
//! or a marker repeats the meaning of each colour, so that a black-and-white print is readable.
//! Every plot has a title and a description for screen readers. Plots take finite numbers and
//! names, and do not know how the numbers were computed.
//!
//! All plots share [`PlotFrame`] (name, heading and description), `axes` (scales and ticks) and
//! `legend`. `canvas` writes the SVG. `plotters` is not used because it cannot hatch areas or
//! measure text without font files.

pub mod density;
pub mod interval_rows;
pub mod lines;
pub mod matrix;
pub mod mirrored_histogram;
pub mod ranges;
pub mod reliability;
pub mod strips;

mod axes;
mod canvas;
mod geometry;
mod hatching;
mod legend;
mod palette;

pub use axes::AxisSpec;
pub use canvas::{Plot, PlotFrame};
pub use mirrored_histogram::PlotShare;
