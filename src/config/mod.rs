//! What the operator chooses: one small struct per concern, every key documented, unknown keys refused.

mod engine;

pub use engine::{EngineConfig, ExecutionProvider, UnknownExecutionProvider};
