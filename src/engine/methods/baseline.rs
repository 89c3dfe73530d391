//! One deterministic answer.

use super::{Graph, Question};
use crate::engine::{RunError, to_i64};

/// features `[N, D]` → `[N, C]`
pub(in crate::engine) fn baseline(
    graph: Graph<'_>,
    question: &Question<'_>,
) -> Result<Vec<f32>, RunError> {
    let expected = [to_i64(question.images), to_i64(graph.classes)];
    graph.run(question, Vec::new(), &expected)
}
