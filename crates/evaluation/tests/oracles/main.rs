//! Compares figures with reference files that other libraries made (`tests/fixtures`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(unreachable_pub, reason = "the modules of a test are no interface")]

mod cases;
mod classification;
mod selective;
