//! The measures of uncertainty, each a pure function of [`Samples`]. Entropies are in nats, and 0 · ln 0 = 0.

use super::samples::{Samples, argmax};

/// The mean over passes of each class' probability (C values that sum to 1).
pub(crate) fn mean(samples: &Samples) -> Vec<f64> {
    let mut sums = vec![0.0; samples.classes()];
    for row in samples.rows() {
        sums.iter_mut().zip(row).for_each(|(sum, p)| *sum += p);
    }
    let passes = samples.passes() as f64;
    sums.into_iter().map(|sum| sum / passes).collect()
}

/// The class of the largest mean probability; the lowest index when several tie.
pub(crate) fn predicted_class(samples: &Samples) -> usize {
    argmax(&mean(samples))
}

/// The entropy −Σ p ln p of one distribution, in nats: 0 when one class has everything, ln C when all are equal.
///
/// The values are divided by their sum first, so that the rounding of 32-bit floats takes no entropy above ln C.
pub(crate) fn entropy(distribution: &[f64]) -> f64 {
    let total: f64 = distribution.iter().sum();
    let present = distribution.iter().filter(|&&p| p > 0.0).map(|p| p / total);
    let sum: f64 = present.map(|p| p * p.ln()).sum();
    (0.0 - sum).max(0.0)
}

/// The mean over passes of each pass' own entropy, in nats (0 to ln C): the uncertainty that the passes agree on.
pub(crate) fn expected_entropy(samples: &Samples) -> f64 {
    samples.rows().map(entropy).sum::<f64>() / samples.passes() as f64
}

/// Predictive minus expected entropy, in nats: what the passes disagree about (BALD; Houlsby et al., 2011).
///
/// Computed as the mean Kullback–Leibler divergence from each pass to their mean, which is the same number without the
/// cancellation of a difference of two nearly equal entropies; kept between 0 and the predictive entropy.
pub(crate) fn mutual_information(samples: &Samples) -> f64 {
    let mean = mean(samples);
    let divergences: f64 = samples.rows().map(|row| divergence(row, &mean)).sum();
    let information = divergences / samples.passes() as f64;
    information.min(entropy(&mean)).max(0.0)
}

/// How often each class is the largest of a pass (C counts that sum to T); ties go to the lowest index.
fn votes(samples: &Samples) -> Vec<usize> {
    let winners: Vec<usize> = samples.rows().map(argmax).collect();
    let votes_for = |class| winners.iter().filter(|&&winner| winner == class).count();
    (0..samples.classes()).map(votes_for).collect()
}

/// 1 − (votes of the modal class) / T, from 0 (all passes agree) to 1 − 1/C (Freeman, 1965).
pub(crate) fn variation_ratio(samples: &Samples) -> f64 {
    let most = votes(samples).into_iter().max().unwrap_or(0);
    1.0 - most as f64 / samples.passes() as f64
}

/// The unbiased variance (divisor T − 1) over passes of each class' probability; `None` when T = 1.
fn class_variances(samples: &Samples) -> Option<Vec<f64>> {
    (0..samples.classes())
        .map(|class| class_variance(samples, class))
        .collect()
}

/// The unbiased variance over passes of the predicted class' probability; `None` when T = 1.
pub(crate) fn variance(samples: &Samples) -> Option<f64> {
    class_variance(samples, predicted_class(samples))
}

/// The unbiased standard deviation (square root of [`class_variances`]) of each class; `None` when T = 1.
pub(crate) fn standard_deviations(samples: &Samples) -> Option<Vec<f64>> {
    let variances = class_variances(samples)?;
    Some(variances.into_iter().map(f64::sqrt).collect())
}

fn class_variance(samples: &Samples, class: usize) -> Option<f64> {
    let passes = samples.passes() as f64;
    if passes < 2.0 {
        return None;
    }
    let mean = samples.of_class(class).sum::<f64>() / passes;
    let squares: f64 = samples.of_class(class).map(|p| (p - mean).powi(2)).sum();
    Some(squares / (passes - 1.0))
}

/// Σ p ln(p / reference) in nats, both divided by their sums. The reference is a mean that includes `row`, so it is 0 only
/// where `row` is 0 or so small that the mean underflowed; such terms weigh nothing.
fn divergence(row: &[f64], reference: &[f64]) -> f64 {
    let (row_total, reference_total): (f64, f64) = (row.iter().sum(), reference.iter().sum());
    let present = row
        .iter()
        .zip(reference)
        .filter(|&(&p, &r)| p > 0.0 && r > 0.0);
    let normalised = present.map(|(p, r)| (p / row_total, r / reference_total));
    normalised.map(|(p, r)| p * (p / r).ln()).sum()
}
