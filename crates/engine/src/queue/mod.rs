//! The queue between requests and workers, and the replies to requests. This module orders and
//! cancels jobs; it does not know what a job does.

mod lanes;
mod reply;

pub use lanes::Priority;
pub(crate) use lanes::Queue;
pub(crate) use reply::{BatchRun, ReplySender, reply_channel};
