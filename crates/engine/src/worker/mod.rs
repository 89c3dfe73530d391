//! The threads that run models. What may enter: what a job is, how its images are made, and the loop that answers it. What may
//! not: what becomes of its scores.

mod runner;
mod subject;

pub(crate) use runner::{Job, JobResults, Shared, start_worker};
pub(crate) use subject::JobImages;
pub use subject::{DecodedField, FieldCrop, Subject, seed_of};
