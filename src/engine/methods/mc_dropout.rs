//! Monte Carlo dropout: T passes of one head with units dropped at random.

use ort::value::TensorRef;

use super::{Graph, own_samples};
use crate::{
    bundle::{Mask, McDropout, Sampling},
    engine::{
        RunError,
        masks::draw_masks,
        sessions::{HeadCall, one_image, to_i64},
    },
};

/// features → `[T, C]`
pub(in crate::engine) fn mc_dropout(
    graph: Graph<'_>,
    mc_dropout: &McDropout,
    call: &HeadCall,
    row: &[f32],
    shape: &[i64],
) -> Result<Vec<f32>, RunError> {
    match &mc_dropout.sampling {
        Sampling::Masks { masks, .. } => with_masks(graph, masks, call, row, shape),
        Sampling::ActiveDropout {} => with_copies(graph, call, row, shape),
        Sampling::InGraph {} => own_samples(graph, mc_dropout.passes, call, row, shape),
    }
}

fn with_masks(
    graph: Graph<'_>,
    masks: &[Mask],
    call: &HeadCall,
    row: &[f32],
    shape: &[i64],
) -> Result<Vec<f32>, RunError> {
    let passes = to_i64(call.passes);
    let drawn = draw_masks(masks, call.passes, call.seed);
    let mut inputs = vec![one_image(graph.head, row, shape)?];
    for (mask, values) in masks.iter().zip(&drawn) {
        let tensor =
            TensorRef::from_array_view(([1, passes, to_i64(mask.width)], values.as_slice()))?;
        inputs.push((mask.input.clone(), tensor.into()));
    }
    let expected = [1, passes, to_i64(graph.classes)];
    graph.run(inputs, &expected)
}

/// T copies of the input in one batch: Dropout nodes draw for each row anew.
fn with_copies(
    graph: Graph<'_>,
    call: &HeadCall,
    row: &[f32],
    shape: &[i64],
) -> Result<Vec<f32>, RunError> {
    let copies = row.repeat(call.passes);
    let copies_shape: Vec<i64> = std::iter::once(to_i64(call.passes))
        .chain(shape.iter().copied())
        .collect();
    let tensor = TensorRef::from_array_view((copies_shape, copies.as_slice()))?;
    let inputs = vec![(graph.head.input.clone(), tensor.into())];
    let expected = [to_i64(call.passes), to_i64(graph.classes)];
    graph.run(inputs, &expected)
}
