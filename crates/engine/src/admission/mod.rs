//! Admission of requests: their options, whether a bundle offers what they need, and whether the
//! backlog has capacity. This module does not process images or run models.

mod backlog;
mod field_scale;
mod plan;

pub(crate) use backlog::{Backlog, MovingMean, RequestLoad};
pub use field_scale::FieldScale;
pub(crate) use plan::MethodPlan;
pub use plan::{Extent, RequestOptions, RequestPlan};

#[cfg(test)]
mod tests;
