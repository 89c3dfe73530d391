//! Intervals of a proportion whose trials are independent. Cells of one image are not: use [`bootstrap`](super::bootstrap).

use serde::Serialize;
use statrs::distribution::{Beta, ContinuousCDF, Normal};

use super::error::EvaluationError;

/// A two-sided interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// Wilson's score interval (1927), without continuity correction.
///
/// # Errors
/// [`EvaluationError`] `Proportion` or `Confidence`.
pub fn wilson(successes: u64, trials: u64, confidence: f64) -> Result<Interval, EvaluationError> {
    check(successes, trials, confidence)?;
    let z = Normal::standard().inverse_cdf(0.5 + 0.5 * confidence);
    let (n, p) = (trials as f64, successes as f64 / trials as f64);
    let shrink = 1.0 + z * z / n;
    let centre = (p + z * z / (2.0 * n)) / shrink;
    let half_width = z / shrink * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    Ok(Interval {
        low: (centre - half_width).max(0.0),
        high: (centre + half_width).min(1.0),
    })
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
