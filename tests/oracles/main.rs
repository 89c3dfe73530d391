//! Every number held against the reference values in `tests/fixtures`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod calibration;
mod numbers;
mod uncertainty;
