//! One deterministic answer.

use super::{Graph, Question};
use crate::{RunError, to_i64};

/// features `[N, D]` → `[N, C]`
pub(crate) fn baseline(graph: Graph<'_>, question: &Question<'_>) -> Result<Vec<f32>, RunError> {
    let expected = [to_i64(question.images), to_i64(graph.classes)];
    graph.run(question, Vec::new(), &expected)
}
