//! Comparison with reference files from other libraries (`tests/fixtures`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(unreachable_pub, reason = "the modules of a test are no interface")]

mod augment;
mod bad_inputs;
mod decoding;
mod fixtures;
mod imaging;
mod imaging_edges;
