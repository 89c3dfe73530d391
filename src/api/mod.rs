//! HTTP: requests in, JSON out, every error as a problem that says what to do.
//!
//! One folder per resource: `request` is what is asked, `handler` answers it, `response` is what is written. [`answer`] is the
//! answer for a cell, in whatever resource; [`problem`] is the only way to say no; `middleware` is what every request passes.
//! What may enter: routes, their JSON and their words. What may not: arithmetic, pixels, sessions; those are asked of
//! `engine`.

mod accept;
pub mod answer;
pub mod batch;
mod body;
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
mod router;
mod server;
mod service;
mod upload;
mod v2;
mod vocabulary;

pub use router::router;
pub use server::serve;
pub use service::Service;
pub use vocabulary::{
    ActionName, MeasureName, MethodName, PrecisionName, PriorityName, PromiseName, ReasonName,
};
