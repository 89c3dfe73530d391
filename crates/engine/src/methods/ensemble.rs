//! K heads, each with an answer of its own.

use super::{Graph, Question, own_samples};
use crate::RunError;
use bundle::Ensemble;

/// features `[N, D]` → `[N, K, C]`, of which the first `passes` members are kept.
pub(crate) fn ensemble(
    graph: Graph<'_>,
    ensemble: &Ensemble,
    question: &Question<'_>,
) -> Result<Vec<f32>, RunError> {
    own_samples(graph, ensemble.members, question)
}
