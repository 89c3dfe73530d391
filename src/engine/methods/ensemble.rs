//! K heads, each with an answer of its own.

use super::{Graph, own_samples};
use crate::{
    bundle::Ensemble,
    engine::{RunError, sessions::HeadCall},
};

/// features → `[1, K, C]`, of which the first `call.passes` members are kept.
pub(in crate::engine) fn ensemble(
    graph: Graph<'_>,
    ensemble: &Ensemble,
    call: &HeadCall,
    row: &[f32],
    shape: &[i64],
) -> Result<Vec<f32>, RunError> {
    own_samples(graph, ensemble.members, call, row, shape)
}
