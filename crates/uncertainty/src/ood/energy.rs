//! The energy score.

use super::{OodError, check_row};

/// −T ln Σ_c exp(z_c / T) of the logits `z` (Liu et al., *Energy-based out-of-distribution detection*, 2020), in the
/// unit of the logits.
///
/// # Errors
/// [`OodError`] `Temperature` unless T is finite and above 0, `Empty` without logits, `NotFinite` when one is NaN or
/// infinite.
pub fn energy(logits: &[f64], temperature: f64) -> Result<f64, OodError> {
    if !(temperature.is_finite() && temperature > 0.0) {
        return Err(OodError::Temperature(temperature));
    }
    if logits.is_empty() {
        return Err(OodError::Empty);
    }
    check_row(0, logits, logits.len())?;
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let terms = logits
        .iter()
        .map(|logit| ((logit - largest) / temperature).exp());
    let sum: f64 = terms.sum();
    Ok(-largest - temperature * sum.ln())
}
