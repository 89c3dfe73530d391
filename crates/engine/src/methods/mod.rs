//! How each method asks its graph for one image: `[samples, C]` class scores, row-major.
//!
//! Test-time augmentation asks as the baseline does, its own graph or the baseline's; [`tta`] makes the views.

mod baseline;
mod ensemble;
mod mc_dropout;
pub(super) mod tta;

use ort::{
    session::{RunOptions, Session, SessionInputValue, SessionOutputs},
    value::DynValueRef,
};

pub(super) use baseline::baseline;
pub(super) use ensemble::ensemble;
pub(super) use mc_dropout::mc_dropout;

use super::{RunError, to_i64};
use bundle::Head;

/// A head with its session.
pub(super) struct Graph<'session> {
    pub(super) session: &'session mut Session,
    pub(super) head: &'session Head,
    pub(super) classes: usize,
    pub(super) options: &'session RunOptions,
}

/// What a head is asked, of some images at once.
pub(super) struct Question<'rows> {
    /// Features `[N, D]`, or images `[N, 3, H, W]` where there is no trunk; in the memory of whichever device made them.
    pub(super) rows: DynValueRef<'rows>,
    /// N
    pub(super) images: usize,
    /// Number of samples wanted of each image.
    pub(super) passes: usize,
    /// One for each image; what the batch was filled up with comes last and has none.
    pub(super) seeds: &'rows [u64],
}

impl Graph<'_> {
    /// Runs the graph on the rows and on `others`, and takes its scores, which must have `shape`.
    fn run<'values>(
        self,
        question: &'values Question<'_>,
        others: Vec<(&str, SessionInputValue<'values>)>,
        shape: &[i64],
    ) -> Result<Vec<f32>, RunError> {
        let mut inputs = vec![(self.head.input.as_str(), (&*question.rows).into())];
        inputs.extend(others);
        let outputs = self.session.run_with_options(inputs, self.options)?;
        extract(&outputs, &self.head.output, shape)
    }
}

/// Asks a graph that answers with `count` samples of its own for each image, of which the first `passes` are kept.
fn own_samples(
    graph: Graph<'_>,
    count: usize,
    question: &Question<'_>,
) -> Result<Vec<f32>, RunError> {
    let classes = graph.classes;
    let shape = [question.images, count, classes].map(to_i64);
    let mut scores = graph.run(question, Vec::new(), &shape)?;
    if question.passes < count {
        let of_images = scores.chunks_exact((count * classes).max(1));
        let kept = of_images.flat_map(|scores| scores.iter().take(question.passes * classes));
        scores = kept.copied().collect();
    }
    Ok(scores)
}

/// Copies a named f32 output, which must have the shape that the manifest promises.
pub(super) fn extract(
    outputs: &SessionOutputs<'_>,
    name: &str,
    expected: &[i64],
) -> Result<Vec<f32>, RunError> {
    let output = outputs.get(name);
    let output = output.ok_or_else(|| unexpected(name, &[], expected))?;
    let (shape, values) = output.try_extract_tensor::<f32>()?;
    if **shape != *expected {
        return Err(unexpected(name, shape, expected));
    }
    Ok(values.to_vec())
}

/// An output that is not what the manifest promises.
pub(super) fn unexpected(name: &str, shape: &[i64], expected: &[i64]) -> RunError {
    RunError::Shape {
        output: name.to_owned(),
        shape: shape.to_vec(),
        expected: format!("{expected:?}"),
    }
}
