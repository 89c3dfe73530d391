//! ONNX Runtime: its library, a bundle's graphs, their sessions, and the checks before a session
//! may answer. This module does not know requests, queues or workers.

mod bundle_sessions;
mod check;
mod graphs;
mod precision;
mod rows;
mod runtime;
mod start;

pub(crate) use bundle_sessions::{BatchSizes, RunContext};
pub(crate) use graphs::BundleGraphs;
pub(crate) use precision::choose;
pub use precision::has_vnni;
pub(crate) use rows::{BatchPart, scores_of_parts};
pub use runtime::{Runtime, SessionOptions};
pub(crate) use start::{ReadyBundle, SessionOpener};
pub use start::{available_cores, check_bundle, workers};

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use runtime::tests::runtime as test_runtime;
