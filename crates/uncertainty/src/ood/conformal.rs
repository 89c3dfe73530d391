//! Conformal p-values.

use super::OodError;

/// Conformal p-value of `score`: (1 + number of calibration scores ≥ `score`) / (n + 1), in [1/(n +
/// 1), 1]. If the image is exchangeable with the n calibration images, the p-value is at most `p`
/// with probability at most `p` (Vovk, Gammerman & Shafer, *Algorithmic learning in a random
/// world*, 2005). `calibration` may be in any order.
///
/// ```
/// assert_eq!(uncertainty::ood::conformal_p(&[1.0, 2.0, 3.0], 2.5)?, 0.5);
/// # Ok::<(), uncertainty::ood::OodError>(())
/// ```
///
/// # Errors
/// [`OodError::Empty`] without calibration scores, [`OodError::NotFinite`] when a number is NaN or
/// infinite.
pub fn conformal_p(calibration: &[f64], score: f64) -> Result<f64, OodError> {
    if calibration.is_empty() {
        return Err(OodError::Empty);
    }
    let mut all = calibration.iter().chain([&score]);
    if let Some(row) = all.position(|value| !value.is_finite()) {
        return Err(OodError::NotFinite { row });
    }
    let as_unlike = calibration.iter().filter(|other| **other >= score).count();
    Ok((1 + as_unlike) as f64 / (1 + calibration.len()) as f64)
}
