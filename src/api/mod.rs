//! HTTP: requests in, JSON out, every error as a problem that says what to do.
//!
//! A resource is a file, or a folder in which `request` is what is asked, `handler` answers it, and `response` is what is written.
//! [`query`] is what is asked of a cell and [`answer`] what is said of it, in whatever resource; [`problem`] is the only way to say
//! no; `middleware` is what every request passes.
//! What may enter: routes, their JSON and their words. What may not: arithmetic, pixels, sessions; those are asked of
//! `engine`.

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
