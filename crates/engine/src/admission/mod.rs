//! What is asked of the engine, whether a bundle offers it, and whether there is room for it. What may enter: options, plans, and
//! how much work is admitted and how fast it drains. What may not: images, and running anything.

mod backlog;
mod field_scale;
mod plan;

pub(crate) use backlog::{Backlog, MovingMean, RequestLoad};
pub use field_scale::FieldScale;
pub(crate) use plan::MethodPlan;
pub use plan::{Extent, RequestOptions, RequestPlan};

#[cfg(test)]
mod tests;
