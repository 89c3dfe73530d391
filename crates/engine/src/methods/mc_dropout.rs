//! Monte Carlo dropout: T passes of one head with units dropped at random.

use ort::value::TensorRef;

use super::{Graph, Question, own_samples};
use crate::{RunError, masks::draw_masks, to_i64};
use bundle::{Mask, McDropout, Sampling};

/// features `[N, D]` → `[N, T, C]`
pub(crate) fn mc_dropout(
    graph: Graph<'_>,
    mc_dropout: &McDropout,
    question: &Question<'_>,
) -> Result<Vec<f32>, RunError> {
    match &mc_dropout.sampling {
        Sampling::Masks { masks, .. } => with_masks(graph, masks, question),
        Sampling::ActiveDropout {} => with_copies(graph, question),
        Sampling::InGraph {} => own_samples(graph, mc_dropout.passes, question),
    }
}

fn with_masks(
    graph: Graph<'_>,
    masks: &[Mask],
    question: &Question<'_>,
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
fn with_copies(graph: Graph<'_>, question: &Question<'_>) -> Result<Vec<f32>, RunError> {
    let passes = to_i64(question.passes);
    let (shape, row) = question.rows.try_extract_tensor::<f32>()?;
    let copies = row.repeat(question.passes);
    let of_a_row = shape.iter().skip(1).copied();
    let shape: Vec<i64> = std::iter::once(passes).chain(of_a_row).collect();
    let copied = Question {
        rows: TensorRef::from_array_view((shape, copies.as_slice()))?.into_dyn(),
        ..*question
    };
    let expected = [passes, to_i64(graph.classes)];
    graph.run(&copied, Vec::new(), &expected)
}
