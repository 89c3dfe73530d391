//! The threads that run models: their jobs, the images of a job, and the loop that answers jobs.
//! This module does not interpret scores.

mod runner;
mod subject;

pub(crate) use runner::{Job, JobResults, Shared, start_worker};
pub(crate) use subject::JobImages;
pub use subject::{DecodedField, FieldCrop, Subject, seed_of};
