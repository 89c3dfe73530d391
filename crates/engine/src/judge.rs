//! From a method's class scores to its answer: calibrated samples, their summary, and the decision.

use super::{MethodAnswer, Model, NormalisedPaperScores, RunError, plan::MethodPlan};
use bundle::{Calibration, Manifest, Method, Scores};
use uncertainty::{Measure, Samples, Summary, calibration::apply_temperature, decide, summarise};

/// Turns class scores `[T, C]` into the method's answer.
pub(super) fn judge(
    model: &Model,
    plan: &MethodPlan,
    scores: &[f32],
) -> Result<MethodAnswer, RunError> {
    let manifest = model.manifest();
    let calibration = manifest.calibration.get(&plan.method);
    let samples = samples_of(manifest, plan.method, scores)?;
    let summary = summarise(&samples).with_abnormal(&manifest.abnormal_flags());
    let share = samples.passes() as f64 / manifest.default_passes(plan.method).max(1) as f64;
    let labels = manifest.labels.iter().zip(&summary.mean);
    Ok(MethodAnswer {
        method: plan.method,
        requested: plan.passes,
        abnormal_probability: labels
            .filter(|(label, _)| label.abnormal)
            .map(|(_, probability)| probability)
            // The sum of no numbers is −0.
            .fold(0.0, |sum, probability| sum + probability),
        normalised: normalise(&summary, calibration, share),
        decision: decide(&summary, plan.policy.as_ref()),
        samples,
        summary,
    })
}

/// Applies the temperature, then the softmax.
pub(super) fn samples_of(
    manifest: &Manifest,
    method: Method,
    scores: &[f32],
) -> Result<Samples, RunError> {
    let calibration = manifest.calibration.get(&method);
    let classes = manifest.labels.len();
    let temperature = calibration.map_or(1.0, |calibration| calibration.temperature);
    let kind = manifest
        .head(method)
        .map_or(Scores::Logits, |head| head.scores);
    match kind {
        Scores::Logits => Ok(Samples::from_logits(
            &apply_temperature(scores, temperature)?,
            classes,
        )?),
        Scores::Probabilities => {
            let samples = Samples::from_probabilities(
                scores.iter().copied().map(f64::from).collect(),
                classes,
            )?;
            if temperature == 1.0 {
                return Ok(samples);
            }
            // Logarithms of probabilities are logits; the floor keeps the logarithm of zero finite.
            let logits: Vec<f64> = samples
                .values()
                .iter()
                .map(|value| value.max(f64::MIN_POSITIVE).ln())
                .collect();
            Ok(Samples::from_logits(
                &apply_temperature(&logits, temperature)?,
                classes,
            )?)
        }
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
