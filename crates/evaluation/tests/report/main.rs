//! The evaluation report, on synthetic answers and on the cells of `examples/`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(unreachable_pub, reason = "the modules of a test are no interface")]

mod files;
mod numbers;
mod synthetic;
mod undefined;
