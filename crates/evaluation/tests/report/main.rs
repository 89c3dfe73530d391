//! The evaluation report, on answers that the tests draw themselves and on the cells of `examples/`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(unreachable_pub, reason = "the modules of a test are no interface")]

mod files;
mod numbers;
mod synthetic;
mod undefined;
