//! Fine-tuning: the trunk and the heads of every method learn together, from pixels.
//!
//! Enters: cells as places in pictures, a trunk as ONNX, a recipe and a seed. Leaves: the trunk with its trained weights
//! put back and the heads' numbers. Everything random has a stream named after what it decides, so that a run that was
//! interrupted goes on as if it had not been, and the number of threads changes nothing.
//!
//! ```text
//! sources ─ augmentation ─▶ views [N, 3, H, W] ─ frozen blocks (ONNX Runtime) ─▶ maps ─ trained blocks ─▶ features ─▶ heads ─▶ loss
//! ```

mod augmentation;
mod batches;
mod checkpoint;
mod fit;
mod heads;
mod loss;
mod model;
mod optimiser;
mod recipe;
mod sampling;
mod schedule;
mod sources;
mod trunk_pass;
mod warp;

pub use augmentation::{Augmentation, View};
pub use fit::{FineTuneRequest, FineTuned, fine_tune};
pub use heads::HeadPlan;
pub use loss::LossSettings;
pub use optimiser::OptimiserSettings;
pub use recipe::FineTuneRecipe;
pub use sampling::{CellLabels, Sampler, Sampling};
pub use schedule::Schedule;
pub use sources::{CellSource, sources};
