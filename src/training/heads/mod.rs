//! What is trained on features: shapes, weights, losses, the fit, and the graphs that are exported.

pub mod bank;
pub mod fit;
pub mod graphs;
pub mod losses;
pub mod recipe;
pub mod scores;
pub mod weights;
