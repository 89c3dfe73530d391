//! Monte Carlo dropout: T passes of one head with units dropped at random.

mod masks;

use ort::value::TensorRef;

use super::graph::{HeadGraph, HeadQuestion, NamedShape, to_i64};
use crate::RunError;
use bundle::{Mask, McDropout, Sampling};

pub use masks::{draw_mask, draw_masks};

/// features `[N, D]` → `[N, T, C]`
pub(super) fn ask(
    graph: HeadGraph<'_>,
    mc_dropout: &McDropout,
    question: &HeadQuestion<'_>,
) -> Result<Vec<f32>, RunError> {
    match &mc_dropout.sampling {
        Sampling::Masks { masks, .. } => with_masks(graph, masks, question),
        Sampling::ActiveDropout {} => with_copies(graph, question),
        Sampling::InGraph {} => graph.own_samples(mc_dropout.passes, question),
    }
}

/// The masks, where the graph takes any.
pub(super) fn further_inputs(mc_dropout: &McDropout) -> Vec<NamedShape<'_>> {
    let Sampling::Masks { masks, .. } = &mc_dropout.sampling else {
        return Vec::new();
    };
    let shape_of = |mask: &Mask| vec![-1, -1, to_i64(mask.width)];
    masks
        .iter()
        .map(|mask| (mask.input.as_str(), shape_of(mask)))
        .collect()
}

pub(super) fn output_shape(mc_dropout: &McDropout, classes: i64) -> Vec<i64> {
    match mc_dropout.sampling {
        Sampling::Masks { .. } => vec![-1, -1, classes],
        Sampling::ActiveDropout {} => vec![-1, classes],
        Sampling::InGraph {} => vec![-1, to_i64(mc_dropout.passes), classes],
    }
}

fn with_masks(
    graph: HeadGraph<'_>,
    masks: &[Mask],
    question: &HeadQuestion<'_>,
) -> Result<Vec<f32>, RunError> {
    let (images, passes) = (to_i64(question.images), to_i64(question.passes));
    let mut drawn = draw_masks(masks, question.passes, question.seeds);
    let mut inputs = Vec::with_capacity(masks.len());
    for (mask, values) in masks.iter().zip(&mut drawn) {
        values.resize(question.images * question.passes * mask.width, 0.0);
        let shape = [images, passes, to_i64(mask.width)];
        let tensor = TensorRef::from_array_view((shape, values.as_slice()))?;
        inputs.push((mask.input.as_str(), tensor.into()));
    }
    let expected = [images, passes, to_i64(graph.classes)];
    graph.run(question, inputs, &expected)
}

/// T copies of the one row in one batch: Dropout nodes draw for each row anew.
fn with_copies(graph: HeadGraph<'_>, question: &HeadQuestion<'_>) -> Result<Vec<f32>, RunError> {
    let passes = to_i64(question.passes);
    let (shape, row) = question.rows.try_extract_tensor::<f32>()?;
    let copies = row.repeat(question.passes);
    let of_a_row = shape.iter().skip(1).copied();
    let shape: Vec<i64> = std::iter::once(passes).chain(of_a_row).collect();
    let copied = HeadQuestion {
        rows: TensorRef::from_array_view((shape, copies.as_slice()))?.into_dyn(),
        ..*question
    };
    let expected = [passes, to_i64(graph.classes)];
    graph.run(&copied, Vec::new(), &expected)
}
