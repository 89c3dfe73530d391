//! Numbers and verdicts held against reference files that other libraries made (`tests/fixtures`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod augment;
mod bad_inputs;
mod calibration;
mod classification;
mod decoding;
mod fixtures;
mod imaging;
mod imaging_edges;
mod numbers;
mod ood;
mod risk_control;
mod selective;
mod uncertainty;
