//! Calibrates a model on cells that its training has not seen. First the out-of-distribution score,
//! since cells unlike the training cells are never accepted; then for each method a temperature,
//! the range of every measure, policies, and the stopping rule.
//!
//! Input: a model trained on every fold, its sibling models, each trained in the same way without
//! one fold, and the siblings' scores of these folds. Output: the parts of a bundle besides trunk
//! and heads.

pub(crate) mod distances;
pub(crate) mod policies;
pub(crate) mod unlike;

use std::collections::{BTreeMap, BTreeSet};

use self::{
    policies::{KnownCells, default_policy, policies, prediction_sets},
    unlike::{Unlike, fit_unlike},
};
use crate::{
    TrainingError,
    fit::FoldModel,
    score::{CellScores, HeldOut},
    session::TrainingSession,
};
use bundle::{Calibration, Label, Method};
use uncertainty::{
    ClassGroups, Measure, Range, Samples, Summary,
    calibration::RangeError,
    stopping::{self, Boundary},
    summarise,
};

/// Cells with a p-value below this are referred: one in a hundred of those that are like the
/// calibration cells.
pub(crate) const REFER_BELOW: f64 = 0.01;

/// The parts of a bundle besides trunk and heads.
#[derive(Clone, Debug)]
pub(crate) struct Calibrated {
    /// Temperature, ranges and policies of each method.
    pub methods: BTreeMap<Method, Calibration>,
    /// The out-of-distribution score; `None` for a trunk without residual additions.
    pub unlike: Option<Unlike>,
}

/// Calibrates a model on the cells of every fold, each answered by the sibling that has not seen
/// its image. Temperatures, ranges, policies and the stopping rule are fitted once, on the cells of
/// all folds together.
///
/// `siblings` are the models of the folds and `folds` their scores, in the same order.
///
/// # Errors
/// As [`fit_unlike`], [`HeldOut::pooled`] and [`calibrate`].
pub(crate) fn calibrate_model(
    session: &TrainingSession,
    model: &FoldModel,
    siblings: &[FoldModel],
    folds: &[HeldOut],
) -> Result<Calibrated, TrainingError> {
    let study = &session.study;
    let held_out = HeldOut::pooled(folds)?;
    let unlike = fit_unlike(session, model, siblings)?;
    // The decision that the server would make for each cell if it were not in the calibration.
    let eligible = match &unlike {
        Some(unlike) => unlike.eligible(&held_out.rows, REFER_BELOW, |distance, of_image| {
            unlike.model.p_value_left_out(distance, of_image)
        }),
        None => vec![true; held_out.rows.len()],
    };
    let known = KnownCells {
        labels: &study.labels(&held_out.rows),
        images: &study.image_numbers(&held_out.rows),
        eligible: &eligible,
        groups: ClassGroups {
            abnormal: &study.grouping.abnormal_flags(),
            high_grade: &study.grouping.high_grade_flags(),
        },
    };
    let outputs = &study.grouping.outputs;
    let mut methods = BTreeMap::new();
    for (method, scores) in &held_out.scores {
        let calibration = match method {
            Method::Tta => calibrate_views(scores, &known, outputs)?,
            _ => calibrate(scores, &known, outputs)?,
        };
        methods.insert(*method, calibration);
    }
    Ok(Calibrated { methods, unlike })
}

/// Bounds of the temperature. An optimum at a bound means that the part is too small or already
/// perfect.
const TEMPERATURES: (f64, f64) = (0.05, 20.0);

/// Steps of the search. Each shrinks the bracket by the golden ratio, in total to a relative width
/// below 1e-7.
const STEPS: usize = 40;

/// The temperature that maximises the likelihood of the labels under the mean of each cell's
/// samples, by golden-section search of its logarithm. For a single pass this is temperature
/// scaling (Guo et al., 2017). With more passes the mean is calibrated, because the mean is the
/// answer.
///
/// # Errors
/// [`TrainingError::Samples`] if a logit is infinite or NaN.
pub(crate) fn fit_mean_temperature(
    scores: &CellScores,
    labels: &[usize],
) -> Result<f64, TrainingError> {
    let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (TEMPERATURES.0.ln(), TEMPERATURES.1.ln());
    let loss = |logarithm: f64| {
        let samples = scores.samples(logarithm.exp())?;
        Ok::<f64, TrainingError>(losses(&samples, labels).sum())
    };
    let (mut left, mut right) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut at_left, mut at_right) = (loss(left)?, loss(right)?);
    for _ in 0..STEPS {
        if at_left <= at_right {
            high = right;
            (right, at_right) = (left, at_left);
            left = high - ratio * (high - low);
            at_left = loss(left)?;
        } else {
            low = left;
            (left, at_left) = (right, at_right);
            right = low + ratio * (high - low);
            at_right = loss(right)?;
        }
    }
    Ok((0.5 * (low + high)).exp())
}

/// The loss of a temperature for each cell: −ln of the mean probability of the true class.
pub(crate) fn losses(samples: &[Samples], labels: &[usize]) -> impl Iterator<Item = f64> {
    samples.iter().zip(labels).map(|(samples, label)| {
        let mean = samples.of_class(*label).sum::<f64>() / samples.passes() as f64;
        -mean.max(f64::MIN_POSITIVE).ln()
    })
}

/// Views before the first look of the stopping rule, and between looks.
const LOOKS: (usize, usize) = (4, 2);

/// Temperature, ranges and policies of one method, measured on cells of whole images that its
/// training has not seen.
///
/// # Errors
/// [`TrainingError::Samples`] if a logit is infinite or NaN, [`TrainingError::Impossible`] without
/// cells.
pub(crate) fn calibrate(
    scores: &CellScores,
    known: &KnownCells<'_>,
    outputs: &[Label],
) -> Result<Calibration, TrainingError> {
    let temperature = fit_mean_temperature(scores, known.labels)?;
    let summaries = summaries(scores, temperature, known.groups.abnormal)?;
    let policies = policies(&summaries, known)?;
    Ok(Calibration {
        temperature,
        cells: known.labels.len(),
        images: known.images.iter().collect::<BTreeSet<_>>().len(),
        ranges: ranges(&summaries).map_err(|error| TrainingError::Impossible(error.to_string()))?,
        default_policy: default_policy(&policies).map(|policy| policy.name.clone()),
        policies,
        prediction_sets: prediction_sets(&summaries, known, outputs)?,
        stopping: None,
    })
}

/// [`calibrate`] for test-time augmentation, with the rule that stops it early under any of the
/// policies.
///
/// # Errors
/// As [`calibrate`].
pub(crate) fn calibrate_views(
    scores: &CellScores,
    known: &KnownCells<'_>,
    outputs: &[Label],
) -> Result<Calibration, TrainingError> {
    let calibration = calibrate(scores, known, outputs)?;
    let accepting = calibration.policies.iter();
    let accepting = accepting.filter(|policy| policy.threshold.is_some());
    let boundaries: Vec<Boundary<'_>> = std::iter::once(None)
        .chain(accepting.map(Some))
        .map(|policy| Boundary::of(policy, known.groups.abnormal))
        .collect();
    let samples = scores.samples(calibration.temperature)?;
    let fit = stopping::calibrate(&samples, &boundaries, LOOKS.0, LOOKS.1);
    Ok(Calibration {
        stopping: fit.rule,
        ..calibration
    })
}

/// The summaries of the scores at a temperature, over all classes and over normal and abnormal.
///
/// # Errors
/// [`TrainingError::Samples`] if a logit is infinite or NaN.
pub(crate) fn summaries(
    scores: &CellScores,
    temperature: f64,
    abnormal: &[bool],
) -> Result<Vec<Summary>, TrainingError> {
    Ok(summarised(&scores.samples(temperature)?, abnormal))
}

/// The summaries of cells' samples, over all classes and over normal and abnormal.
pub(crate) fn summarised(samples: &[Samples], abnormal: &[bool]) -> Vec<Summary> {
    let summary = |samples: &Samples| summarise(samples).with_abnormal(abnormal);
    samples.iter().map(summary).collect()
}

/// The range of every defined measure.
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
    fn single_pass_matches_temperature_scaling() {
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
            groups: ClassGroups {
                abnormal: &[false, true, true],
                high_grade: &[false; 3],
            },
        };
        let label = |name: &str| Label {
            name: name.to_owned(),
            abnormal: name != "a",
            high_grade: None,
            severity: None,
            snomed_ct: None,
            snomed_ct_source: None,
        };
        let outputs = ["a", "b", "c"].map(label);
        let calibration = calibrate(&scores, &known, &outputs).unwrap();
        assert!(calibration.ranges.contains_key(&Measure::PredictiveEntropy));
        assert!(!calibration.ranges.contains_key(&Measure::Variance));
    }
}
