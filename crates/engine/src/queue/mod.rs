//! Between requests and workers: what waits for its turn, and who waits for its answer. What may enter: orders of jobs and ways
//! of giving them up. What may not: what a job is.

mod lanes;
mod reply;

pub use lanes::Priority;
pub(crate) use lanes::Queue;
pub(crate) use reply::{BatchRun, ReplySender, reply_channel};
