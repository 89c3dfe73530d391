//! How good the answers are, and whether their uncertainty tells the wrong ones: the figures of an evaluation.
//!
//! [`Predictions`] holds probabilities beside the truth; [`Scored`] holds one score and one yes-or-no outcome per item,
//! which is all that a ranking, a calibration error or a risk–coverage curve looks at. Every figure is a pure function of
//! one of the two, undefined figures (0/0, one class only) are `None`, and [`bootstrap`] gives any of them an interval
//! resampled by image; [`guarantee`] plays through whether referral thresholds keep their promises. [`report`] measures
//! everything at once and writes it as HTML, JSON and CSV, with the SVG of [`plots`]. What may enter: arithmetic on answers
//! that were already given, and how it is shown. What may not: models, and where the answers came from.

pub mod bootstrap;
pub mod calibration_error;
pub mod classification;
pub mod four_way;
pub mod guarantee;
pub mod intervals;
pub mod plots;
pub mod proper_scores;
pub mod ranking;
pub mod report;
pub mod selective;

mod error;
mod predictions;
#[cfg(test)]
mod properties;
mod scored;

pub use error::EvaluationError;
pub use intervals::Interval;
pub use predictions::Predictions;
pub use scored::{Scored, TieGroup};
