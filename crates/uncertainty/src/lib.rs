//! Uncertainty of classifications: measures, calibration, out-of-distribution scores, prediction
//! sets and referral.
//!
//! Every method gives [`Samples`], T probability vectors over C classes. From there:
//!
//! - [`summarise`] computes the mean answer and every measure of uncertainty.
//! - [`calibration`] normalises measures and fits the temperature.
//! - [`ood`] scores how unlike the training images an image is.
//! - [`prediction_sets`] lists the classes that cannot be excluded.
//! - [`referral`] decides whether a person has to look, with thresholds from [`risk_control`].
//! - [`stopping`] decides when further augmented views would not change that decision.
//!
//! All of it is pure functions of probabilities and logits. The crate does not use HTTP, ONNX,
//! files, clocks or random numbers.

#![warn(clippy::indexing_slicing)]

pub mod calibration;
pub mod ood;
pub mod prediction_sets;
pub mod referral;
pub mod risk_control;
pub mod stopping;

mod measure;
mod promise;
mod samples;
mod summary;
mod triage;

pub use calibration::{Range, RangeError};
pub use measure::{Measure, PaperScores};
pub use prediction_sets::{PredictionSet, SetError, SetThresholds};
pub use promise::{AcceptedAs, Promise};
pub use referral::{Action, Decision, Policy, PolicyError, Reason, decide};
pub use samples::{Samples, SamplesError, argmax, check_lengths, check_rows};
pub use stopping::StoppingRule;
pub use summary::{Abnormality, ClassGroups, Summary, summarise};
pub use triage::Triage;

/// The three scores of Ojha & Narendra (MIDL 2024).
pub mod paper {
    pub use crate::measure::{PaperScores, paper_scores};
}

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
