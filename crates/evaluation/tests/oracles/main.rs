//! Numbers and verdicts held against reference files that other libraries made (`tests/fixtures`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cases;
mod classification;
mod selective;
