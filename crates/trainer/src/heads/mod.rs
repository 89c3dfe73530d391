//! What is trained on features: shapes, weights, losses, the fit, and the graphs that are exported.

pub mod bank;
mod batches;
pub mod cells;
mod checkpoint;
pub mod choice;
pub mod fit;
pub mod graphs;
pub mod losses;
mod presets;
pub mod recipe;
pub mod run;
pub mod scores;
pub mod weights;
