//! Every number held against the reference values in `tests/fixtures`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod calibration;
mod classification;
mod numbers;
mod selective;
mod uncertainty;
