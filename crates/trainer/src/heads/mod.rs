//! What is trained on features: shapes, weights, losses, the fit, and the graphs that are exported.

pub(crate) mod bank;
mod batches;
pub(crate) mod cells;
mod checkpoint;
pub(crate) mod choice;
pub(crate) mod fit;
pub(crate) mod graphs;
pub(crate) mod losses;
mod presets;
pub(crate) mod recipe;
pub(crate) mod run;
pub(crate) mod scores;
pub(crate) mod weights;
