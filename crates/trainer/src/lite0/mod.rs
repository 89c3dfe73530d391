//! EfficientNet-Lite0 for fine-tuning: the ONNX trunk's weights as a burn module, trained, and put back into the graph.
//!
//! Enters: the trunk's graph, and what its frozen part gives for images (ONNX Runtime runs that part). Leaves: features
//! for a head, gradients, and the graph with other weights. Batch normalisation is folded into the convolutions and
//! stays so. A batch is cut into a fixed number of shards that run side by side; nothing else here uses threads.

mod convolution;
mod depthwise;
mod gradients;
mod graph;
mod operation;
mod patches;
mod plan;
mod tail;

pub use gradients::{BatchGradients, SHARDS, gradients, shards};
pub use graph::{MAP, frozen_part, put_back};
pub use plan::{BLOCKS, FEATURES, Frozen, STAGES, Stage};
pub use tail::{Lite0Tail, ParameterKind, ParameterValues};
