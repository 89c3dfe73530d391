//! Intervals of a proportion with independent trials. Cells of one image are not independent: use
//! [`bootstrap`](super::bootstrap) for them.

use serde::Serialize;
use statrs::distribution::{Beta, ContinuousCDF};

use super::error::EvaluationError;

/// A two-sided interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// Clopper and Pearson's exact interval (1934), by quantiles of the beta distribution.
///
/// # Errors
/// [`EvaluationError`] `Proportion` or `Confidence`.
pub fn clopper_pearson(
    successes: u64,
    trials: u64,
    confidence: f64,
) -> Result<Interval, EvaluationError> {
    check(successes, trials, confidence)?;
    let tail = 0.5 * (1.0 - confidence);
    let failures = trials - successes;
    let (k, m) = (successes as f64, failures as f64);
    let quantile = |a: f64, b: f64, level: f64| match Beta::new(a, b) {
        Ok(beta) => Ok(beta.inverse_cdf(level)),
        Err(_) => Err(EvaluationError::Proportion { successes, trials }),
    };
    let low = if successes == 0 {
        0.0
    } else {
        quantile(k, m + 1.0, tail)?
    };
    let high = if failures == 0 {
        1.0
    } else {
        quantile(k + 1.0, m, 1.0 - tail)?
    };
    Ok(Interval { low, high })
}

fn check(successes: u64, trials: u64, confidence: f64) -> Result<(), EvaluationError> {
    if trials == 0 || successes > trials {
        return Err(EvaluationError::Proportion { successes, trials });
    }
    check_confidence(confidence)
}

pub(super) fn check_confidence(confidence: f64) -> Result<(), EvaluationError> {
    if confidence > 0.0 && confidence < 1.0 {
        Ok(())
    } else {
        Err(EvaluationError::Confidence(confidence))
    }
}
