//! Temperature scaling (Guo et al., *On calibration of modern neural networks*, 2017): logits are divided by one number,
//! fitted so that held-out labels are as likely as they can be.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::samples::{SamplesError, check_finite, check_shape, softmax_in_place};

/// The smallest temperature that a fit returns.
const LOWEST: f64 = 0.01;
/// The largest temperature that a fit returns.
const HIGHEST: f64 = 100.0;
/// A slope of the likelihood below this, at both ends, is rounding: the temperature changes nothing.
const FLAT_SLOPE: f64 = 1e-15;
/// Halvings of the logarithm of the bounds: enough to reach neighbouring floats.
const HALVINGS: usize = 64;
/// Differences of logits are cut off here, so that two finite logits never make an infinity.
const HUGE_LOGIT: f64 = 1e300;

/// How a fitted temperature came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemperatureStatus {
    /// The likelihood is largest at this temperature.
    Interior,
    /// The likelihood still grows towards colder logits: every label is the largest logit.
    AtLowerBound,
    /// The likelihood still grows towards hotter logits: they tell nothing about the labels.
    AtUpperBound,
    /// The likelihood does not depend on the temperature, which is left at 1.
    Flat,
}

/// A fitted temperature and the mean negative log-likelihoods, in nats, that it was judged by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TemperatureFit {
    /// What to divide logits by, 0.01 to 100.
    pub temperature: f64,
    /// Whether it is an optimum or a bound.
    pub status: TemperatureStatus,
    /// Mean negative log-likelihood of the labels at temperature 1.
    pub nll_before: f64,
    /// Mean negative log-likelihood of the labels at the fitted temperature.
    pub nll_after: f64,
}

/// Why a temperature cannot be fitted or applied.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum TemperatureError {
    /// The logits are not finite rows of at least two classes.
    #[error(transparent)]
    Logits(#[from] SamplesError),
    /// There is not one label per row.
    #[error("{labels} labels were given for {rows} rows of logits; give one per row")]
    LabelCount {
        /// How many labels.
        labels: usize,
        /// How many rows of logits.
        rows: usize,
    },
    /// A label is not a class index.
    #[error("label {label} of row {row} is not one of the {classes} classes, counted from 0")]
    LabelOutOfRange {
        /// Row of the first such label.
        row: usize,
        /// The label.
        label: usize,
        /// How many classes there are.
        classes: usize,
    },
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

/// Finds the temperature in [0.01, 100] that minimises the mean negative log-likelihood of `labels` (N class indices) under
/// `logits` (`[N, C]`, row-major).
///
/// The likelihood is convex in 1/T, so the root of its slope is bracketed and halved; nothing depends on a start.
///
/// ```
/// use uncertainty::calibration::{TemperatureStatus, fit_temperature};
///
/// // Sure four times and right three times: the logits have to become smaller.
/// let fit = fit_temperature(&[9.0, 0.0, 9.0, 0.0, 9.0, 0.0, 9.0, 0.0], 2, &[0, 0, 0, 1])?;
/// assert_eq!(fit.status, TemperatureStatus::Interior);
/// assert!(fit.temperature > 1.0 && fit.nll_after < fit.nll_before);
/// # Ok::<(), uncertainty::calibration::TemperatureError>(())
/// ```
///
/// # Errors
/// Every variant of [`TemperatureError`] but `Domain`.
pub fn fit_temperature(
    logits: &[f64],
    classes: usize,
    labels: &[usize],
) -> Result<TemperatureFit, TemperatureError> {
    check_shape(logits, classes)?;
    check_finite(logits, classes)?;
    check_labels(labels, logits.len() / classes, classes)?;
    let data = Labelled {
        logits,
        classes,
        labels,
    };
    let (temperature, status) = data.best_temperature();
    let (nll_before, nll_after) = (data.nll(1.0), data.nll(temperature));
    Ok(TemperatureFit {
        temperature,
        status,
        nll_before,
        nll_after,
    })
}

fn check_labels(labels: &[usize], rows: usize, classes: usize) -> Result<(), TemperatureError> {
    if labels.len() != rows {
        return Err(TemperatureError::LabelCount {
            labels: labels.len(),
            rows,
        });
    }
    match labels
        .iter()
        .enumerate()
        .find(|&(_, &label)| label >= classes)
    {
        Some((row, &label)) => Err(TemperatureError::LabelOutOfRange {
            row,
            label,
            classes,
        }),
        None => Ok(()),
    }
}

/// Logits and labels that have been checked.
struct Labelled<'a> {
    logits: &'a [f64],
    classes: usize,
    labels: &'a [usize],
}

impl Labelled<'_> {
    fn best_temperature(&self) -> (f64, TemperatureStatus) {
        let (hot, cold) = (self.slope(1.0 / HIGHEST), self.slope(1.0 / LOWEST));
        if hot.abs() < FLAT_SLOPE && cold.abs() < FLAT_SLOPE {
            return (1.0, TemperatureStatus::Flat);
        }
        if hot >= 0.0 {
            return (HIGHEST, TemperatureStatus::AtUpperBound);
        }
        if cold <= 0.0 {
            return (LOWEST, TemperatureStatus::AtLowerBound);
        }
        (self.root(), TemperatureStatus::Interior)
    }

    /// The temperature at which the slope changes sign, by halving the bracket of its logarithm.
    fn root(&self) -> f64 {
        let (mut colder, mut hotter) = (LOWEST.ln(), HIGHEST.ln());
        for _ in 0..HALVINGS {
            let middle = 0.5 * (colder + hotter);
            if self.slope((-middle).exp()) > 0.0 {
                colder = middle;
            } else {
                hotter = middle;
            }
        }
        (0.5 * (colder + hotter)).exp()
    }

    /// The derivative of the mean negative log-likelihood by β = 1/T: the mean of Σ_c p_c (z_c − z_label).
    fn slope(&self, beta: f64) -> f64 {
        self.mean(|relative| {
            let mut weights: Vec<f64> = relative.iter().map(|z| z * beta).collect();
            softmax_in_place(&mut weights);
            weights.iter().zip(relative).map(|(p, z)| p * z).sum()
        })
    }

    /// The mean of ln Σ_c exp((z_c − z_label) / T).
    fn nll(&self, temperature: f64) -> f64 {
        self.mean(|relative| {
            let largest = relative.iter().copied().fold(f64::NEG_INFINITY, f64::max) / temperature;
            let sum: f64 = relative
                .iter()
                .map(|z| (z / temperature - largest).exp())
                .sum();
            largest + sum.ln()
        })
    }

    /// The mean over rows of a function of the logits relative to that of the row's label.
    fn mean(&self, of_row: impl Fn(&[f64]) -> f64) -> f64 {
        let rows = self.logits.chunks_exact(self.classes).zip(self.labels);
        let sum: f64 = rows
            .map(|(row, &label)| of_row(&relative_to(row, label)))
            .sum();
        sum / self.labels.len() as f64
    }
}

fn relative_to(row: &[f64], label: usize) -> Vec<f64> {
    let own = row.get(label).copied().unwrap_or_default();
    row.iter()
        .map(|z| (z - own).clamp(-HUGE_LOGIT, HUGE_LOGIT))
        .collect()
}
