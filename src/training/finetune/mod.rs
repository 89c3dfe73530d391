//! Fine-tuning: the trunk and the heads of every method learn together, from pixels.
//!
//! Enters: cells as places in pictures, a trunk as ONNX, a recipe and a seed. Leaves: the trunk with its trained weights
//! put back and the heads' numbers. Everything random has a stream named after what it decides, so that a run that was
//! interrupted goes on as if it had not been, and the number of threads changes nothing.
//!
//! ```text
//! sources ─ augmentation ─▶ views [N, 3, H, W] ─ frozen blocks (ONNX Runtime) ─▶ maps ─ trained blocks ─▶ features ─▶ heads ─▶ loss
//! ```

pub mod augmentation;
pub mod heads;
pub mod loss;
pub mod optimiser;
pub mod recipe;
pub mod sampling;
pub mod schedule;
pub mod sources;
mod warp;
