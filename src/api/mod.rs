//! The HTTP interface.
//!
//! - A resource is a file, or a folder in which `request` parses, `handler` answers and `response`
//!   writes.
//! - [`query`] has the parameters of every request about cells, [`answer`] the answer for a cell.
//! - [`problem`] has every error, `middleware` what every request passes.
//!
//! This module has routes, JSON and texts. Arithmetic, pixels and sessions are in `engine`.

mod accept;
pub mod answer;
pub mod batch;
mod docs;
mod examples;
mod fhir;
pub mod fields;
mod head;
mod middleware;
pub mod models;
pub mod openapi;
mod operations;
mod page;
pub mod predictions;
pub mod problem;
pub mod query;
mod router;
mod server;
mod service;
mod upload;
mod v2;
mod vocabulary;

pub use router::router;
pub use server::serve;
pub use service::Service;
pub(crate) use vocabulary::word;
pub use vocabulary::{
    ActionName, MeasureName, MethodName, PrecisionName, PriorityName, PromiseName, ReasonName,
};
