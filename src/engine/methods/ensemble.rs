//! K heads, each with an answer of its own.

use super::Graph;
use crate::{
    bundle::Ensemble,
    engine::{
        RunError,
        sessions::{HeadCall, one_image, to_i64},
    },
};

/// features → `[1, K, C]`, of which the first `call.passes` members are kept.
pub(in crate::engine) fn ensemble(
    graph: Graph<'_>,
    ensemble: &Ensemble,
    call: &HeadCall,
    row: &[f32],
    shape: &[i64],
) -> Result<Vec<f32>, RunError> {
    let inputs = vec![one_image(graph.head, row, shape)?];
    let kept = call.passes.min(ensemble.members) * graph.classes;
    let expected = [1, to_i64(ensemble.members), to_i64(graph.classes)];
    let mut scores = graph.run(inputs, &expected)?;
    scores.truncate(kept);
    Ok(scores)
}
