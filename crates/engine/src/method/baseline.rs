//! One deterministic answer.

use super::graph::{HeadGraph, HeadQuestion, to_i64};
use crate::RunError;

/// features `[N, D]` → `[N, C]`
pub(super) fn ask(graph: HeadGraph<'_>, question: &HeadQuestion<'_>) -> Result<Vec<f32>, RunError> {
    let expected = [to_i64(question.images), to_i64(graph.classes)];
    graph.run(question, Vec::new(), &expected)
}

pub(super) fn output_shape(classes: i64) -> Vec<i64> {
    vec![-1, classes]
}
