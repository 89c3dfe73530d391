//! One file for each question.

pub mod cancellation;
pub mod fairness;
pub mod field;
pub mod generator;
pub mod gpu;
pub mod limit;
pub mod overload;
pub mod start;
pub mod stopping;
