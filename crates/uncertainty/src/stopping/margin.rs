//! The distance of a decision from changing, in standard errors.

use super::Boundary;
use crate::measure::entropy;
use crate::summary::ABNORMAL_FROM;
use crate::{Measure, Promise, Samples};

/// An estimate from the views so far, and its standard error as an estimate of the value of all T
/// views.
#[derive(Debug, Clone, Copy, PartialEq)]
struct RunningFigure {
    value: f64,
    error: f64,
}

/// The distance, in standard errors, of the decision from changing after the first `views` of
/// `total` samples. The decision consists of: accepted or referred, called normal or abnormal, and
/// the class if the answer is accepted or there is no policy.
///
/// The result is the smallest distance of these parts. If a policy accepts only cells called normal
/// and the cell is called abnormal, only the call counts. `None` for fewer than two views, and for
/// a measure without a standard error. Infinite if the views are identical.
///
/// ```
/// use uncertainty::{Samples, stopping::{Boundary, margin}};
///
/// let refer_all = Boundary::of(None, &[false, true]);
/// let alike = Samples::from_rows(&[vec![0.9, 0.1], vec![0.9, 0.1]])?;
/// assert_eq!(margin(&alike, 2, 50, &refer_all), Some(f64::INFINITY));
/// # Ok::<(), uncertainty::SamplesError>(())
/// ```
pub fn margin(samples: &Samples, views: usize, total: usize, boundary: &Boundary) -> Option<f64> {
    let rows: Vec<&[f64]> = samples.rows().take(views).collect();
    if rows.len() < 2 {
        return None;
    }
    let lead = || lead(&rows, total).distance_from(0.0);
    let call = call(&rows, total, boundary.abnormal);
    let of_call = call.as_ref().map_or(f64::INFINITY, |call| call.margin);
    let Some(policy) = boundary.policy else {
        return Some(lead().min(of_call));
    };
    let threshold = policy.threshold?;
    let doubt = doubt(&rows, total, policy.measure, boundary.abnormal)?;
    let clears_only_normal = policy.kind.is_some_and(Promise::clears_only_normal);
    if clears_only_normal && call.is_some_and(|call| call.abnormal) {
        return Some(of_call);
    }
    let action_and_call = doubt.distance_from(threshold).min(of_call);
    let is_sure = doubt.value <= threshold;
    Some(if is_sure {
        action_and_call.min(lead())
    } else {
        action_and_call
    })
}

/// The call of the views so far, and its distance from changing in standard errors.
struct RunningCall {
    abnormal: bool,
    margin: f64,
}

/// The call: normal if a normal class leads and the abnormal classes together are below ½. `None`
/// unless there are both normal and abnormal classes.
fn call(rows: &[&[f64]], total: usize, abnormal: &[bool]) -> Option<RunningCall> {
    let mean = mean(rows);
    let normal = best_class(&mean, abnormal, false)?;
    let other = best_class(&mean, abnormal, true)?;
    let of = |row: &[f64], class: usize| row.get(class).copied().unwrap_or_default();
    let ahead = rows.iter().map(|row| of(row, normal) - of(row, other));
    let ahead = estimate(ahead, total);
    let together = rows.iter().map(|row| abnormal_share(row, abnormal));
    let together = estimate(together, total);
    // Ties go to the first class.
    let leads = ahead.value > 0.0 || (ahead.value == 0.0 && normal < other);
    let below = together.value < ABNORMAL_FROM;
    let from_lead = ahead.distance_from(0.0);
    let from_half = together.distance_from(ABNORMAL_FROM);
    let margin = match (leads, below) {
        (true, true) => from_lead.min(from_half),
        (true, false) => from_half,
        (false, true) => from_lead,
        // Either condition alone makes the call abnormal, so both would have to change.
        (false, false) => from_lead.max(from_half),
    };
    Some(RunningCall {
        abnormal: !(leads && below),
        margin,
    })
}

/// The most probable class with this flag, the first one in a tie; `None` if no class has it.
fn best_class(mean: &[f64], abnormal: &[bool], wanted: bool) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (class, (&probability, &flag)) in mean.iter().zip(abnormal).enumerate() {
        let better = best.is_none_or(|(_, most)| probability > most);
        if flag == wanted && better {
            best = Some((class, probability));
        }
    }
    best.map(|(class, _)| class)
}

impl RunningFigure {
    /// The distance from `value` in standard errors.
    fn distance_from(self, value: f64) -> f64 {
        match self.error > 0.0 {
            true => (self.value - value).abs() / self.error,
            false => f64::INFINITY,
        }
    }
}

/// The policy's measure of the mean so far; `None` for a measure without a standard error.
fn doubt(
    rows: &[&[f64]],
    total: usize,
    measure: Measure,
    abnormal: &[bool],
) -> Option<RunningFigure> {
    match measure {
        Measure::PredictiveEntropy => Some(entropy_of_mean(rows, total)),
        Measure::AbnormalEntropy => {
            let grouped: Vec<[f64; 2]> = rows.iter().map(|row| grouped(row, abnormal)).collect();
            let rows: Vec<&[f64]> = grouped.iter().map(|row| row.as_slice()).collect();
            Some(entropy_of_mean(&rows, total))
        }
        _ => None,
    }
}

/// The probabilities of the normal and of the abnormal classes.
fn grouped(row: &[f64], abnormal: &[bool]) -> [f64; 2] {
    let share = abnormal_share(row, abnormal);
    [row.iter().sum::<f64>() - share, share].map(|p| p.clamp(0.0, 1.0))
}

fn abnormal_share(row: &[f64], abnormal: &[bool]) -> f64 {
    let pairs = row.iter().zip(abnormal);
    pairs.filter(|(_, flag)| **flag).map(|(p, _)| p).sum()
}

/// The entropy of the mean row, in nats. Its standard error is by the delta method: the standard
/// error of the mean of the rows projected on the gradient −ln m. The constant −1 of the gradient
/// has no effect, because each row sums to 1.
fn entropy_of_mean(rows: &[&[f64]], total: usize) -> RunningFigure {
    let mean = mean(rows);
    let project = |row: &&[f64]| {
        let present = row.iter().zip(&mean).filter(|&(_, &m)| m > 0.0);
        present.map(|(p, m)| -p * m.ln()).sum()
    };
    RunningFigure {
        value: entropy(&mean),
        error: standard_error(rows.iter().map(project).collect(), total),
    }
}

/// The probability of the leading class minus that of the second.
fn lead(rows: &[&[f64]], total: usize) -> RunningFigure {
    let mean = mean(rows);
    let mut order: Vec<usize> = (0..mean.len()).collect();
    let probability = |class: &usize| mean.get(*class).copied().unwrap_or_default();
    order.sort_by(|left, right| probability(right).total_cmp(&probability(left)));
    let (first, second) = match order.as_slice() {
        [first, second, ..] => (*first, *second),
        _ => (0, 0),
    };
    let of = |row: &[f64], class: usize| row.get(class).copied().unwrap_or_default();
    estimate(
        rows.iter().map(|row| of(row, first) - of(row, second)),
        total,
    )
}

/// The mean of one value per view.
fn estimate(values: impl Iterator<Item = f64>, total: usize) -> RunningFigure {
    let values: Vec<f64> = values.collect();
    RunningFigure {
        value: values.iter().sum::<f64>() / values.len() as f64,
        error: standard_error(values, total),
    }
}

fn mean(rows: &[&[f64]]) -> Vec<f64> {
    let mut sums = vec![0.0; rows.first().map_or(0, |row| row.len())];
    for row in rows {
        sums.iter_mut().zip(*row).for_each(|(sum, p)| *sum += p);
    }
    let views = rows.len() as f64;
    sums.into_iter().map(|sum| sum / views).collect()
}

/// The standard error of the mean of t values drawn from T without replacement: s √((1 − t/T) / t).
fn standard_error(values: Vec<f64>, total: usize) -> f64 {
    let views = values.len() as f64;
    let mean = values.iter().sum::<f64>() / views;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let left = (1.0 - views / total as f64).max(0.0);
    (squares / (views - 1.0) * left / views).sqrt()
}
