//! HTTP: requests in, JSON out, every error as a problem that says what to do.
//!
//! One folder or file per resource; [`problem`] is the only way to say no; `middleware` is what every request passes.
//! What may enter: routes, their JSON and their words. What may not: arithmetic, pixels, sessions; those are asked of
//! `engine`.

mod accept;
mod answer_size;
pub mod batch;
mod call;
mod counted_body;
mod digest;
mod docs;
mod examples;
mod fhir;
pub mod fields;
mod form;
mod health;
pub mod many;
mod metrics;
mod middleware;
pub mod models;
pub mod openapi;
mod page;
pub mod predictions;
pub mod problem;
mod router;
mod server;
mod service;
mod upload_memory;
mod v2;
mod vocabulary;
mod written;

pub use router::router;
pub use server::serve;
pub use service::Service;
pub use vocabulary::{
    ActionName, MeasureName, MethodName, PrecisionName, PriorityName, PromiseName, ReasonName,
};
