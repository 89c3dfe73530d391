//! The threads that run models. What may enter: what a job is, how its images are made, and the loop that answers it. What may
//! not: what becomes of its scores.

mod images;
mod job;
mod runner;
mod subject;

pub(crate) use images::JobImages;
pub(crate) use job::{Job, JobResults, Shared};
pub(crate) use runner::start_worker;
pub use subject::{FieldCrop, Subject, seed_of, seed_of_cell};
