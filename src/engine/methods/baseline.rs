//! One deterministic answer.

use super::Graph;
use crate::engine::{
    RunError,
    sessions::{one_image, to_i64},
};

/// features → `[1, C]`
pub(in crate::engine) fn baseline(
    graph: Graph<'_>,
    row: &[f32],
    shape: &[i64],
) -> Result<Vec<f32>, RunError> {
    let inputs = vec![one_image(graph.head, row, shape)?];
    let expected = [1, to_i64(graph.classes)];
    graph.run(inputs, &expected)
}
