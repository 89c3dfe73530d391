//! The methods: how each runs its graph, the graph's inputs and outputs, and the meaning of its
//! scores. This module does not manage sessions, queues or requests.
//!
//! A method whose graph answers in one run needs one line in the functions of this file; the others
//! have their own file. Test-time augmentation runs its own graph or the baseline's as the baseline
//! does; [`tta`] makes the views and decides how many are enough.

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

/// A call of a head, once per image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadCall {
    /// The method. `Tta` may use the baseline's head.
    pub(crate) method: Method,
    /// Number of samples per image.
    pub(crate) passes: usize,
    /// Seed of the masks.
    pub(crate) seed: u64,
}

/// Runs the graph of a method and returns class scores `[images, samples, C]`, row-major.
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

/// The inputs of a method's graph in addition to features or images.
pub(crate) fn further_inputs(manifest: &Manifest, method: Method) -> Vec<NamedShape<'_>> {
    match (method, &manifest.methods.mc_dropout) {
        (Method::McDropout, Some(mc_dropout)) => mc_dropout::further_inputs(mc_dropout),
        _ => Vec::new(),
    }
}

/// The shape of a method's scores; −1 stands for any size.
pub(crate) fn output_shape(manifest: &Manifest, method: Method) -> Vec<i64> {
    let classes = to_i64(manifest.labels.len());
    let methods = &manifest.methods;
    match (method, &methods.mc_dropout, &methods.ensemble) {
        (Method::McDropout, Some(mc_dropout), _) => mc_dropout::output_shape(mc_dropout, classes),
        (Method::Ensemble, _, Some(ensemble)) => vec![-1, to_i64(ensemble.members), classes],
        _ => vec![-1, classes],
    }
}

/// Turns a method's class scores into calibrated samples: applies the temperature, then the
/// softmax.
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
    // Logarithms of probabilities are logits. The floor keeps the logarithm of 0 finite.
    let floored = samples.values().iter().map(|p| p.max(f64::MIN_POSITIVE));
    let logits: Vec<f64> = floored.map(f64::ln).collect();
    let logits = apply_temperature(&logits, temperature)?;
    Ok(Samples::from_logits(&logits, classes)?)
}

/// A tensor's name and shape by the manifest; −1 stands for any size.
pub(crate) type NamedShape<'manifest> = (&'manifest str, Vec<i64>);

/// A head with its session.
pub(crate) struct HeadGraph<'session> {
    pub(crate) session: &'session mut Session,
    pub(crate) head: &'session Head,
    pub(crate) classes: usize,
    pub(crate) options: &'session RunOptions,
}

/// The input of a head, for one or more images.
pub(crate) struct HeadQuestion<'rows> {
    /// Features `[N, D]`, or images `[N, 3, H, W]` without a trunk, in the memory of the device
    /// that made them.
    pub(crate) rows: DynValueRef<'rows>,
    /// N
    pub(crate) images: usize,
    /// Number of samples per image.
    pub(crate) passes: usize,
    /// One seed per image. Padding at the end of the batch has none.
    pub(crate) seeds: &'rows [u64],
}

impl HeadGraph<'_> {
    /// Runs the graph on the rows and on `others`. Its scores must have `shape`.
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

    /// Runs a graph with `count` samples of its own per image, and keeps the first `passes` of
    /// each.
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

/// Copies a named f32 output. Its shape must be that of the manifest.
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

/// The error for an output that differs from the manifest.
pub(crate) fn unexpected(name: &str, shape: &[i64], expected: &[i64]) -> RunError {
    RunError::Shape {
        output: name.to_owned(),
        shape: shape.to_vec(),
        expected: format!("{expected:?}"),
    }
}

/// Converts a size. Sizes come from verified manifests, so they fit.
pub(crate) fn to_i64(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
