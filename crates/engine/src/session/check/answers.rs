//! Checks the outputs of a bundle's trial run, and names what has to change in the bundle.

use tracing::debug;

use super::images::TrialImage;
use crate::{RunError, StartError, method::samples_of, session::rows::HeadRows};
use bundle::{Bundle, Method};
use imaging::InputTensor;
use uncertainty::{SamplesError, ood::OodError};

/// Advice for a graph with outputs that are not finite.
const MEND_GRAPH: &str = "check the graph for a division by zero, a logarithm of zero or an overflow (16-bit floats end at 65504), and export it again";

/// Checks that normalisation gives finite numbers.
pub(crate) fn check_tensor(
    bundle: &Bundle,
    images: &InputTensor,
    image: TrialImage,
) -> Result<(), StartError> {
    match first_unusable(images.as_slice()) {
        None => Ok(()),
        Some((_, found)) => Err(unsound(
            bundle,
            "bundle.toml",
            format!(
                "`input.normalisation` must give finite numbers for all bytes, but a value of {} is {found}: choose `scale`, `mean` and `std` so that (byte · scale − mean) / std is finite",
                image.name()
            ),
        )),
    }
}

/// Checks that the trunk's features and statistics are finite, and the distance of the statistics
/// from training, too.
pub(crate) fn check_rows(
    bundle: &Bundle,
    rows: &HeadRows<'_>,
    image: TrialImage,
) -> Result<(), StartError> {
    let (Some(trunk), Some(file)) = (&bundle.manifest().trunk, bundle.trunk_file()) else {
        return Ok(());
    };
    let statistics = rows.statistics_of(0..1);
    let name = trunk.statistics.as_deref().unwrap_or_default();
    let outputs = [
        (trunk.features.as_str(), rows.values()),
        (name, statistics.as_slice()),
    ];
    for (output, values) in outputs {
        if let Some((place, found)) = first_unusable(values) {
            let problem = format!(
                "output `{output}` must be finite for every image, but value {place} (counted from 0) of {} is {found}: {MEND_GRAPH}",
                image.name()
            );
            return Err(unsound(bundle, &file.name, problem));
        }
    }
    check_distance(bundle, &statistics, image)
}

fn check_distance(
    bundle: &Bundle,
    statistics: &[f32],
    image: TrialImage,
) -> Result<(), StartError> {
    let declared = &bundle.manifest().out_of_distribution;
    let (Some(known), Some(declared)) = (bundle.out_of_distribution(), declared) else {
        return Ok(());
    };
    match known.judge(statistics) {
        Ok(_) => Ok(()),
        Err(OodError::NotFinite { .. }) => Err(unsound(
            bundle,
            &declared.file.name,
            format!(
                "the distance from the training images must be finite for every image, but is not for {}: fit the file again to statistics of this trunk",
                image.name()
            ),
        )),
        Err(error) => Err(failed(bundle)(error.into())),
    }
}

/// Checks that the scores of a head give samples for every method that uses it, with the same code
/// as requests.
pub(crate) fn check_scores(
    bundle: &Bundle,
    head_of: Method,
    scores: &[f32],
    image: TrialImage,
) -> Result<(), StartError> {
    let manifest = bundle.manifest();
    let methods = manifest.offered_methods().into_iter();
    for method in methods.filter(|method| manifest.head_method(*method) == head_of) {
        let Err(error) = samples_of(manifest, method, scores) else {
            continue;
        };
        let refused = RefusedScores {
            bundle,
            head_of,
            method,
            scores,
            image,
        };
        return Err(refused.error(error));
    }
    Ok(())
}

/// Scores that are not usable.
struct RefusedScores<'trial> {
    bundle: &'trial Bundle,
    /// The method whose head gave them.
    head_of: Method,
    /// The method that uses them.
    method: Method,
    scores: &'trial [f32],
    image: TrialImage,
}

impl RefusedScores<'_> {
    fn error(&self, error: RunError) -> StartError {
        let manifest = self.bundle.manifest();
        let Some(head) = manifest.head(self.head_of) else {
            return failed(self.bundle)(error);
        };
        let refused = |problem| unsound(self.bundle, &head.file.name, problem);
        let output = head.output.as_str();
        match (error, first_unusable(self.scores)) {
            (_, Some((place, found))) => refused(self.not_finite(output, place, found)),
            (RunError::Samples(SamplesError::NotFinite { .. }), None) => {
                unsound(self.bundle, "bundle.toml", self.temperature())
            }
            (RunError::Samples(SamplesError::NotADistribution { row, sum }), None) => {
                refused(self.no_probabilities(output, row, sum))
            }
            (error, None) => failed(self.bundle)(error),
        }
    }

    fn not_finite(&self, output: &str, place: usize, found: &str) -> String {
        let labels = &self.bundle.manifest().labels;
        let class = place % labels.len().max(1);
        let class = labels.get(class).map_or("", |label| label.name.as_str());
        let image = self.image.name();
        format!(
            "output `{output}` must be finite for every image, but the score of `{class}` for {image} is {found}: {MEND_GRAPH}"
        )
    }

    fn temperature(&self) -> String {
        let (method, image) = (self.method, self.image.name());
        let calibration = self.bundle.manifest().calibration.get(&method);
        let temperature = calibration.map_or(1.0, |calibration| calibration.temperature);
        format!(
            "`calibration.{method}.temperature` is {temperature:e}, which is too small: a score for {image} divided by it is not finite; write the temperature from the calibration, or 1.0"
        )
    }

    fn no_probabilities(&self, output: &str, row: usize, sum: f64) -> String {
        let classes = self.bundle.manifest().labels.len().max(1);
        let row = self.scores.iter().skip(row * classes).take(classes);
        let lowest = row.clone().copied().fold(f32::INFINITY, f32::min);
        let highest = row.copied().fold(f32::NEG_INFINITY, f32::max);
        let image = self.image.name();
        let advice = match lowest < 0.0 || highest > 1.0 {
            true => "write `scores = \"logits\"`, or end the graph with a softmax",
            false => {
                "end the graph with a softmax over the classes, or export the logits and write `scores = \"logits\"`"
            }
        };
        format!(
            "`methods.{}.head.scores` is \"probabilities\", expected values from 0 to 1 that sum to 1 (within 0.0001), but output `{output}` for {image} has a row with values from {lowest:.4} to {highest:.4} that sums to {sum:.4}: {advice}",
            self.head_of
        )
    }
}

/// The error for a file of the bundle that has to change.
pub(super) fn unsound(bundle: &Bundle, file: &str, problem: String) -> StartError {
    StartError::Graph {
        name: bundle.manifest().name.clone(),
        file: file.to_owned(),
        problem,
    }
}

/// Index and kind of the first value that is not finite.
fn first_unusable(values: &[f32]) -> Option<(usize, &'static str)> {
    let place = values.iter().position(|value| !value.is_finite())?;
    let is_nan = values.get(place).is_some_and(|value| value.is_nan());
    Some((place, if is_nan { "NaN" } else { "infinite" }))
}

/// The error for a trial run that failed in the runtime.
pub(super) fn failed(bundle: &Bundle) -> impl Fn(RunError) -> StartError {
    |source| {
        if let RunError::Runtime(message) = &source {
            debug!(%message, "ONNX Runtime failed");
        }
        StartError::Trial {
            name: bundle.manifest().name.clone(),
            source,
        }
    }
}
