//! A head's graph, and how it is run.

use ort::{
    session::{RunOptions, Session, SessionInputValue, SessionOutputs},
    value::DynValueRef,
};

use crate::RunError;
use bundle::Head;

/// A tensor's name and shape as the manifest has them; −1 is any size.
pub(crate) type NamedShape<'manifest> = (&'manifest str, Vec<i64>);

/// A head with its session.
pub(crate) struct HeadGraph<'session> {
    pub(crate) session: &'session mut Session,
    pub(crate) head: &'session Head,
    pub(crate) classes: usize,
    pub(crate) options: &'session RunOptions,
}

/// What a head is asked, of some images at once.
pub(crate) struct HeadQuestion<'rows> {
    /// Features `[N, D]`, or images `[N, 3, H, W]` where there is no trunk; in the memory of whichever device made them.
    pub(crate) rows: DynValueRef<'rows>,
    /// N
    pub(crate) images: usize,
    /// Number of samples wanted of each image.
    pub(crate) passes: usize,
    /// One for each image; what the batch was filled up with comes last and has none.
    pub(crate) seeds: &'rows [u64],
}

impl HeadGraph<'_> {
    /// Runs the graph on the rows and on `others`, and takes its scores, which must have `shape`.
    pub(super) fn run<'values>(
        self,
        question: &'values HeadQuestion<'_>,
        others: Vec<(&str, SessionInputValue<'values>)>,
        shape: &[i64],
    ) -> Result<Vec<f32>, RunError> {
        let mut inputs = vec![(self.head.input.as_str(), (&*question.rows).into())];
        inputs.extend(others);
        let outputs = self.session.run_with_options(inputs, self.options)?;
        extract(&outputs, &self.head.output, shape)
    }

    /// Asks a graph that answers with `count` samples of its own for each image, of which the first `passes` are kept.
    pub(super) fn own_samples(
        self,
        count: usize,
        question: &HeadQuestion<'_>,
    ) -> Result<Vec<f32>, RunError> {
        let classes = self.classes;
        let shape = [question.images, count, classes].map(to_i64);
        let mut scores = self.run(question, Vec::new(), &shape)?;
        if question.passes < count {
            let of_images = scores.chunks_exact((count * classes).max(1));
            let kept = of_images.flat_map(|scores| scores.iter().take(question.passes * classes));
            scores = kept.copied().collect();
        }
        Ok(scores)
    }
}

/// Copies a named f32 output, which must have the shape that the manifest promises.
pub(crate) fn extract(
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
pub(crate) fn unexpected(name: &str, shape: &[i64], expected: &[i64]) -> RunError {
    RunError::Shape {
        output: name.to_owned(),
        shape: shape.to_vec(),
        expected: format!("{expected:?}"),
    }
}

/// Sizes come from verified manifests and never reach the limit.
pub(crate) fn to_i64(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
