//! How each method asks its graph for one image: `[samples, C]` class scores, row-major.
//!
//! Test-time augmentation asks as the baseline does, its own graph or the baseline's; [`tta`] makes the views.

mod baseline;
mod ensemble;
mod mc_dropout;
pub(super) mod tta;

use ort::session::{RunOptions, Session, SessionInputValue, SessionOutputs};

pub(super) use baseline::baseline;
pub(super) use ensemble::ensemble;
pub(super) use mc_dropout::mc_dropout;

use super::{
    RunError,
    sessions::{HeadCall, one_image, to_i64},
};
use crate::bundle::Head;

/// A head with its session.
pub(super) struct Graph<'session> {
    pub(super) session: &'session mut Session,
    pub(super) head: &'session Head,
    pub(super) classes: usize,
    pub(super) options: &'session RunOptions,
}

impl Graph<'_> {
    /// Runs the graph and takes its scores, which must have `shape`.
    fn run(
        self,
        inputs: Vec<(String, SessionInputValue<'_>)>,
        shape: &[i64],
    ) -> Result<Vec<f32>, RunError> {
        let outputs = self.session.run_with_options(inputs, self.options)?;
        extract(&outputs, &self.head.output, shape)
    }
}

/// Asks a graph that answers with `count` samples of its own, of which the first `call.passes` are kept.
fn own_samples(
    graph: Graph<'_>,
    count: usize,
    call: &HeadCall,
    row: &[f32],
    shape: &[i64],
) -> Result<Vec<f32>, RunError> {
    let inputs = vec![one_image(graph.head, row, shape)?];
    let kept = call.passes.min(count) * graph.classes;
    let expected = [1, to_i64(count), to_i64(graph.classes)];
    let mut scores = graph.run(inputs, &expected)?;
    scores.truncate(kept);
    Ok(scores)
}

/// Copies a named f32 output, which must have the shape that the manifest promises.
pub(super) fn extract(
    outputs: &SessionOutputs<'_>,
    name: &str,
    expected: &[i64],
) -> Result<Vec<f32>, RunError> {
    let unexpected = |shape: Vec<i64>| RunError::Shape {
        output: name.to_owned(),
        shape,
        expected: format!("{expected:?}"),
    };
    let output = outputs.get(name).ok_or_else(|| unexpected(Vec::new()))?;
    let (shape, values) = output.try_extract_tensor::<f32>()?;
    let shape: &[i64] = shape;
    if shape != expected {
        return Err(unexpected(shape.to_vec()));
    }
    Ok(values.to_vec())
}
