//! From a method's class scores to its answer: calibrated samples, their summary, and the decision; and what follows from an
//! image that is unlike the training's.

use crate::{LoadedModel, RunError, admission::MethodPlan, method::samples_of};
use bundle::{Calibration, Manifest, Method};
use uncertainty::{Decision, Measure, Reason, Samples, Summary, decide, ood::OodScore, summarise};

/// What one method says of the image.
#[derive(Clone, Debug)]
pub struct MethodAnswer {
    /// The method.
    pub method: Method,
    /// T as asked for. There are fewer samples where test-time augmentation stopped early.
    pub requested: usize,
    /// Class probabilities `[T, C]`.
    pub samples: Samples,
    /// Mean, spread and every uncertainty of `samples`.
    pub summary: Summary,
    /// The paper's scores by the calibration's range, in [0, 1]; absent where the bundle has no range.
    pub normalised: NormalisedPaperScores,
    /// Accept, or refer for a second look, and why.
    pub decision: Decision,
}

impl MethodAnswer {
    /// Mean probability of all abnormal classes together, in [0, 1]: of none of them 0.
    pub fn abnormal_probability(&self) -> f64 {
        let summary = &self.summary;
        match (summary.abnormal, summary.called_abnormal) {
            (Some(in_two_classes), _) => in_two_classes.probability,
            // Every class is an abnormal one.
            (None, Some(_)) => summary.mean.iter().sum(),
            (None, None) => 0.0,
        }
    }
}

/// The paper's three scores after min–max normalisation over the calibration cells, clipped to [0, 1].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NormalisedPaperScores {
    /// Of `paper.variance`.
    pub variance: Option<f64>,
    /// Of `paper.entropy`.
    pub entropy: Option<f64>,
    /// Of `paper.sample_mean`.
    pub sample_mean: Option<f64>,
}

/// Turns class scores `[T, C]` into the method's answer. `ood` is what [`unlikeness`] says of the image.
pub(crate) fn method_answer(
    model: &LoadedModel,
    plan: &MethodPlan,
    scores: &[f32],
    ood: Option<OodScore>,
) -> Result<MethodAnswer, RunError> {
    let manifest = model.manifest();
    let calibration = manifest.calibration.get(&plan.method);
    let samples = samples_of(manifest, plan.method, scores)?;
    let summary = summarise(&samples).with_abnormal(&manifest.abnormal_flags());
    let share = samples.passes() as f64 / manifest.default_passes(plan.method).max(1) as f64;
    let mut answer = MethodAnswer {
        method: plan.method,
        requested: plan.passes,
        normalised: normalise(&summary, calibration, share),
        decision: decide(&summary, plan.policy.as_ref()),
        samples,
        summary,
    };
    refer_unlike(manifest, ood, &mut answer);
    Ok(answer)
}

/// How unlike the training's images an image with these statistics is; `None` where the bundle does not say what those look like.
pub(crate) fn unlikeness(
    model: &LoadedModel,
    statistics: &[f32],
) -> Result<Option<OodScore>, RunError> {
    let known = model.out_of_distribution();
    let score = known.map(|known| known.judge(statistics)).transpose();
    Ok(score?)
}

/// Refers what a policy may have accepted when the image's p-value is below the bundle's limit: no promise covers an
/// image of another kind than those it was made for.
fn refer_unlike(manifest: &Manifest, score: Option<OodScore>, answer: &mut MethodAnswer) {
    let (Some(score), Some(limit)) = (score, &manifest.out_of_distribution) else {
        return;
    };
    if score.p_value < limit.refer_below {
        answer
            .decision
            .refer(Reason::OutOfDistribution, &answer.summary);
    }
}

fn normalise(
    summary: &Summary,
    calibration: Option<&Calibration>,
    share: f64,
) -> NormalisedPaperScores {
    let of = |measure: Measure| {
        let range = calibration?.ranges.get(&measure)?;
        let value = measure.of(summary)?;
        // The publication's entropy is a sum over the samples, and its range is of sums over as many as the bundle takes.
        match measure {
            Measure::PaperEntropy => Some(range.normalise(value / share)),
            _ => Some(range.normalise(value)),
        }
    };
    NormalisedPaperScores {
        variance: of(Measure::PaperVariance),
        entropy: of(Measure::PaperEntropy),
        sample_mean: of(Measure::PaperSampleMean),
    }
}
