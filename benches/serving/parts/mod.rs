//! One file for each part of the benchmark.

pub(crate) mod cancellation;
pub(crate) mod fairness;
pub(crate) mod field;
pub(crate) mod generator;
pub(crate) mod gpu;
pub(crate) mod limit;
pub(crate) mod overload;
pub(crate) mod start;
pub(crate) mod stopping;
