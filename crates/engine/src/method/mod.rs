//! What each method is to the engine: how it asks its graph, what that graph reads and gives, and what its scores mean. What may
//! enter: the methods, and what all of them share. What may not: sessions' lives, queues, requests.
//!
//! A method whose graph answers in one run is a line in the functions of this file; the others have a file of their own. Test-time
//! augmentation asks as the baseline does, its own graph or the baseline's; [`tta`] makes the views and says how many are enough.

mod mc_dropout;
pub(crate) mod tta;

use ort::{
    session::{RunOptions, Session, SessionInputValue, SessionOutputs},
    value::DynValueRef,
};

use crate::RunError;
use bundle::{Head, Manifest, Method, Scores};
use uncertainty::{Samples, calibration::apply_temperature};

pub use mc_dropout::{draw_mask, draw_masks};

/// What a head is asked for, once per image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadCall {
    /// Whose head; `Tta` may have none of its own.
    pub(crate) method: Method,
    /// Number of samples wanted of each image.
    pub(crate) passes: usize,
    /// Seed of the masks.
    pub(crate) seed: u64,
}

/// Asks the graph of a method for class scores `[images, samples, C]`, row-major.
pub(crate) fn ask(
    method: Method,
    graph: HeadGraph<'_>,
    manifest: &Manifest,
    question: &HeadQuestion<'_>,
) -> Result<Vec<f32>, RunError> {
    let methods = &manifest.methods;
    match (method, &methods.mc_dropout, &methods.ensemble) {
        (Method::McDropout, Some(mc_dropout), _) => mc_dropout::ask(graph, mc_dropout, question),
        (Method::Ensemble, _, Some(ensemble)) => graph.own_samples(ensemble.members, question),
        _ => {
            let expected = [question.images, graph.classes].map(to_i64);
            graph.run(question, Vec::new(), &expected)
        }
    }
}

/// What the graph of a method reads beside features or images.
pub(crate) fn further_inputs(manifest: &Manifest, method: Method) -> Vec<NamedShape<'_>> {
    match (method, &manifest.methods.mc_dropout) {
        (Method::McDropout, Some(mc_dropout)) => mc_dropout::further_inputs(mc_dropout),
        _ => Vec::new(),
    }
}

/// The shape of a method's scores, −1 where the graph may leave the size open.
pub(crate) fn output_shape(manifest: &Manifest, method: Method) -> Vec<i64> {
    let classes = to_i64(manifest.labels.len());
    let methods = &manifest.methods;
    match (method, &methods.mc_dropout, &methods.ensemble) {
        (Method::McDropout, Some(mc_dropout), _) => mc_dropout::output_shape(mc_dropout, classes),
        (Method::Ensemble, _, Some(ensemble)) => vec![-1, to_i64(ensemble.members), classes],
        _ => vec![-1, classes],
    }
}

/// From a method's class scores to calibrated samples: applies the temperature, then the softmax.
pub(crate) fn samples_of(
    manifest: &Manifest,
    method: Method,
    scores: &[f32],
) -> Result<Samples, RunError> {
    let calibration = manifest.calibration.get(&method);
    let classes = manifest.labels.len();
    let temperature = calibration.map_or(1.0, |calibration| calibration.temperature);
    if manifest.head(method).map(|head| head.scores) != Some(Scores::Probabilities) {
        let logits = apply_temperature(scores, temperature)?;
        return Ok(Samples::from_logits(&logits, classes)?);
    }
    let probabilities = scores.iter().copied().map(f64::from).collect();
    let samples = Samples::from_probabilities(probabilities, classes)?;
    if temperature == 1.0 {
        return Ok(samples);
    }
    // Logarithms of probabilities are logits; the floor keeps the logarithm of zero finite.
    let floored = samples.values().iter().map(|p| p.max(f64::MIN_POSITIVE));
    let logits: Vec<f64> = floored.map(f64::ln).collect();
    let logits = apply_temperature(&logits, temperature)?;
    Ok(Samples::from_logits(&logits, classes)?)
}

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
    fn run<'values>(
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
    fn own_samples(self, count: usize, question: &HeadQuestion<'_>) -> Result<Vec<f32>, RunError> {
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
