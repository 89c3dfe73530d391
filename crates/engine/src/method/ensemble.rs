//! K heads, each with an answer of its own.

use super::graph::{HeadGraph, HeadQuestion, to_i64};
use crate::RunError;
use bundle::Ensemble;

/// features `[N, D]` → `[N, K, C]`, of which the first `passes` members are kept.
pub(super) fn ask(
    graph: HeadGraph<'_>,
    ensemble: &Ensemble,
    question: &HeadQuestion<'_>,
) -> Result<Vec<f32>, RunError> {
    graph.own_samples(ensemble.members, question)
}

pub(super) fn output_shape(ensemble: &Ensemble, classes: i64) -> Vec<i64> {
    vec![-1, to_i64(ensemble.members), classes]
}
