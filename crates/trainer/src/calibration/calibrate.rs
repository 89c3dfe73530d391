//! What the calibration part teaches about each method: a temperature, the range of every measure, policies, and when to
//! stop.

use std::collections::{BTreeMap, BTreeSet};

use super::policies::{KnownCells, policies};
use crate::{CellScores, TrainingError};
use bundle::Calibration;
use uncertainty::{
    Measure, Range, Samples, Summary,
    calibration::RangeError,
    stopping::{self, Boundary},
    summarise,
};

/// Bounds of the temperature; an optimum at one of them means that the part is too small or already perfect.
const TEMPERATURES: (f64, f64) = (0.05, 20.0);

/// Narrowing steps of the search: the bracket shrinks by the golden ratio each time, to a relative width below 1e-7.
const STEPS: usize = 40;

/// The temperature that makes the labels likeliest under the mean of each cell's samples, by golden-section search of its
/// logarithm. For a single pass this is temperature scaling (Guo et al., 2017); for more, the mean is what is answered,
/// so the mean is what is calibrated.
///
/// # Errors
/// [`TrainingError::Samples`] when a logit is not finite.
pub(crate) fn fit_mean_temperature(
    scores: &CellScores,
    labels: &[usize],
) -> Result<f64, TrainingError> {
    let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (TEMPERATURES.0.ln(), TEMPERATURES.1.ln());
    let likelihood = |logarithm: f64| negative_log_likelihood(scores, labels, logarithm.exp());
    let (mut left, mut right) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut at_left, mut at_right) = (likelihood(left)?, likelihood(right)?);
    for _ in 0..STEPS {
        if at_left <= at_right {
            high = right;
            (right, at_right) = (left, at_left);
            left = high - ratio * (high - low);
            at_left = likelihood(left)?;
        } else {
            low = left;
            (left, at_left) = (right, at_right);
            right = low + ratio * (high - low);
            at_right = likelihood(right)?;
        }
    }
    Ok((0.5 * (low + high)).exp())
}

fn negative_log_likelihood(
    scores: &CellScores,
    labels: &[usize],
    temperature: f64,
) -> Result<f64, TrainingError> {
    let samples = scores.samples(temperature)?;
    let of_cell = |(samples, label): (&Samples, &usize)| {
        let mean = samples.of_class(*label).sum::<f64>() / samples.passes() as f64;
        -mean.max(f64::MIN_POSITIVE).ln()
    };
    Ok(samples.iter().zip(labels).map(of_cell).sum::<f64>() / labels.len().max(1) as f64)
}

/// Views before the first look of the stopping rule, and between looks.
const LOOKS: (usize, usize) = (4, 2);

/// Temperature, ranges and policies of one method, measured on cells of whole images that its training has not seen.
///
/// # Errors
/// [`TrainingError::Samples`] when a logit is not finite, [`TrainingError::Impossible`] without cells.
pub(crate) fn calibrate(
    scores: &CellScores,
    known: &KnownCells<'_>,
) -> Result<Calibration, TrainingError> {
    let temperature = fit_mean_temperature(scores, known.labels)?;
    let summaries = summaries(scores, temperature, known.abnormal)?;
    Ok(Calibration {
        temperature,
        cells: known.labels.len(),
        images: known.images.iter().collect::<BTreeSet<_>>().len(),
        ranges: ranges(&summaries).map_err(|error| TrainingError::Impossible(error.to_string()))?,
        policies: policies(&summaries, known)?,
        stopping: None,
    })
}

/// [`calibrate`] for test-time augmentation, with the rule that stops it early under any of the policies.
///
/// # Errors
/// See [`calibrate`].
pub(crate) fn calibrate_views(
    scores: &CellScores,
    known: &KnownCells<'_>,
) -> Result<Calibration, TrainingError> {
    let calibration = calibrate(scores, known)?;
    let accepting = calibration.policies.iter();
    let accepting = accepting.filter(|policy| policy.threshold.is_some());
    let boundaries: Vec<Boundary<'_>> = std::iter::once(None)
        .chain(accepting.map(Some))
        .map(|policy| Boundary::of(policy, known.abnormal))
        .collect();
    let samples = scores.samples(calibration.temperature)?;
    let fit = stopping::calibrate(&samples, &boundaries, LOOKS.0, LOOKS.1);
    Ok(Calibration {
        stopping: fit.rule,
        ..calibration
    })
}

/// What the scores say at a temperature, in all classes and in two.
///
/// # Errors
/// [`TrainingError::Samples`] when a logit is not finite.
pub(crate) fn summaries(
    scores: &CellScores,
    temperature: f64,
    abnormal: &[bool],
) -> Result<Vec<Summary>, TrainingError> {
    let samples = scores.samples(temperature)?;
    let summary = |samples: &Samples| summarise(samples).with_abnormal(abnormal);
    Ok(samples.iter().map(summary).collect())
}

/// The range of every measure that is defined.
fn ranges(summaries: &[Summary]) -> Result<BTreeMap<Measure, Range>, RangeError> {
    let mut ranges = BTreeMap::new();
    for measure in Measure::ALL {
        let values: Vec<f64> = summaries
            .iter()
            .filter_map(|summary| measure.of(summary))
            .collect();
        if !values.is_empty() {
            ranges.insert(measure, Range::over(&values)?);
        }
    }
    Ok(ranges)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::random;
    use testkit::numbers::{id, indices, list, load, matrix, number};

    fn single_pass(cells: usize) -> (CellScores, Vec<usize>) {
        let mut stream = random::stream(1, "logits");
        let values = random::uniform(&mut stream, cells * 3, 4.0);
        let labels = (0..cells).map(|_| random::below(&mut stream, 3)).collect();
        (
            CellScores {
                passes: 1,
                classes: 3,
                values,
            },
            labels,
        )
    }

    #[test]
    fn a_single_pass_gets_the_temperature_of_temperature_scaling() {
        for case in list(&load("calibration.json")["temperature"]) {
            if case["expected"]["status"] != "interior" {
                continue;
            }
            let logits = matrix(&case["inputs"]["logits"]);
            let values = logits.concat().into_iter().map(|logit| logit as f32);
            let scores = CellScores {
                passes: 1,
                classes: logits[0].len(),
                values: values.collect(),
            };
            let expected = number(&case["expected"]["temperature"]);
            let found = fit_mean_temperature(&scores, &indices(&case["inputs"]["labels"])).unwrap();
            assert!(
                (found / expected - 1.0).abs() < 1e-5,
                "{}: {found}",
                id(case)
            );
        }
    }

    #[test]
    fn undefined_measures_have_no_range() {
        let (scores, labels) = single_pass(20);
        let images: Vec<usize> = (0..20).map(|cell| cell / 10).collect();
        let known = KnownCells {
            labels: &labels,
            images: &images,
            eligible: &[true; 20],
            abnormal: &[false, true, true],
        };
        let calibration = calibrate(&scores, &known).unwrap();
        assert!(calibration.ranges.contains_key(&Measure::PredictiveEntropy));
        assert!(!calibration.ranges.contains_key(&Measure::Variance));
    }
}
