//! The threads that run models. What may enter: what a job is, how its images are made, and the loop that answers it. What may
//! not: what becomes of its scores.

mod job;
mod runner;
mod subject;

pub(crate) use job::{Job, JobImages, JobResults, Shared};
pub(crate) use runner::start_worker;
pub use subject::{DecodedField, FieldCrop, Subject, seed_of};
