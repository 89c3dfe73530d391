//! What is asked of the engine, whether a bundle offers it, and whether there is room for it. What may enter: options, plans, and
//! how much work is admitted and how fast it drains. What may not: images, and running anything.

mod backlog;
mod field_scale;
mod options;
mod plan;
mod rates;

pub(crate) use backlog::{Backlog, RequestLoad};
pub use field_scale::FieldScale;
pub use options::RequestOptions;
pub(crate) use plan::MethodPlan;
pub use plan::{Extent, RequestPlan};
pub(crate) use rates::MovingMean;
