//! Temperature scaling (Guo et al., *On calibration of modern neural networks*, 2017): logits are divided by one number,
//! which was fitted so that held-out labels are as likely as they can be.

use thiserror::Error;

/// Why logits cannot be divided by a temperature.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum TemperatureError {
    /// A temperature that logits cannot be divided by.
    #[error("the temperature {0} is not a finite number above 0")]
    Domain(f64),
}

/// Divides logits by a temperature; the result goes to [`Samples::from_logits`](crate::Samples::from_logits).
///
/// ```
/// let colder = uncertainty::calibration::apply_temperature(&[2.0, -4.0], 2.0)?;
/// assert_eq!(colder, [1.0, -2.0]);
/// # Ok::<(), uncertainty::calibration::TemperatureError>(())
/// ```
///
/// # Errors
/// [`TemperatureError::Domain`] unless the temperature is finite and above 0.
pub fn apply_temperature<L: Copy + Into<f64>>(
    logits: &[L],
    temperature: f64,
) -> Result<Vec<f64>, TemperatureError> {
    if !(temperature.is_finite() && temperature > 0.0) {
        return Err(TemperatureError::Domain(temperature));
    }
    Ok(logits
        .iter()
        .map(|&logit| logit.into() / temperature)
        .collect())
}
