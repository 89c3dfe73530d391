//! Test-time augmentation: what its views look like, how many of them are asked for at a time, and when they are enough.

mod rounds;
mod views;

pub(crate) use rounds::{ViewRounds, chunks};
pub(crate) use views::{pictures, push_views, source};
