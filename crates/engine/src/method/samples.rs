//! From a method's class scores to calibrated samples.

use crate::RunError;
use bundle::{Manifest, Method, Scores};
use uncertainty::{Samples, calibration::apply_temperature};

/// Applies the temperature, then the softmax.
pub(crate) fn samples_of(
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
