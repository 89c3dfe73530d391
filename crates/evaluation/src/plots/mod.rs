//! Numbers in, SVG out: one small file for each kind of plot.
//!
//! Colours are those of Okabe and Ito, which colour-blind people can tell apart; wherever a colour means something, a
//! pattern, a dash or a marker says the same, so that a black-and-white print can be read. Every plot has a title and a
//! description for screen readers. What may enter: finite numbers and names. What may not: how the numbers came about.
//!
//! Name, heading and description are a [`PlotFrame`], scales and ticks are `axes`, and `legend` names lines and fills, for every plot
//! alike. SVG is written by `canvas` and not by `plotters`, which hatches no area and, without font files, measures
//! no text.

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
