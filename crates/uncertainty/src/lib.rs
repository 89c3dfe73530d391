//! How far an answer can be trusted: numbers in, numbers out.
//!
//! Every method ends in [`Samples`], T probability vectors over C classes. [`summarise`] turns them into the mean answer
//! and every measure of its uncertainty, [`calibration`] puts those on the scale of a calibration set, [`ood`] says how
//! unlike the training's images one is, [`prediction_sets`] says which classes cannot be excluded, and [`referral`] decides
//! whether a person has to look, by thresholds that [`risk_control`] found; [`stopping`] says when further views would not change
//! that. What may enter: pure functions of probabilities and logits. What may not: HTTP, ONNX, files, clocks and random numbers.

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
