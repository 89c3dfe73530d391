//! Figures of an evaluation: how good the answers are, and how well their uncertainty finds the
//! wrong ones.
//!
//! - [`Predictions`] holds probabilities and true classes.
//! - [`Scored`] holds one score and one yes-or-no outcome per item, the input of rankings,
//!   calibration errors and risk–coverage curves.
//! - [`bootstrap`] gives any figure an interval, resampled by image.
//! - [`guarantee`] simulates whether referral thresholds keep their promises.
//! - [`report`] computes everything and writes it as HTML, JSON and CSV, with the SVG of [`plots`].
//!
//! Every figure is a pure function of [`Predictions`] or [`Scored`]; undefined figures (0/0, one
//! class only) are `None`. This crate computes and shows figures of given answers. It knows nothing
//! of models or of where the answers come from.

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
