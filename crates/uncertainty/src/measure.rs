//! The measures of uncertainty, as pure functions of [`Samples`], and their names in bundles,
//! policies and reports. Entropies are in nats, and 0 · ln 0 = 0.
//!
//! The last three are the scores of Ojha & Narendra (MIDL 2024), as their published code computes
//! them, so that the paper's tables and plots can be reproduced. By default no decision uses them.
//! The entropy is that of one class only and peaks at p = 1/e; it is a sum, so it grows with T. The
//! sample-mean score falls again below s = ½, where a prediction among more than two classes is
//! least certain.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    samples::{Samples, argmax},
    summary::Summary,
};

/// The paper multiplies the variance by this.
const VARIANCE_SCALE: f64 = 1000.0;

/// A measure of uncertainty; larger values are less certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Entropy of the mean distribution, in nats: the default for decisions.
    PredictiveEntropy,
    /// Mean entropy of the passes, in nats.
    ExpectedEntropy,
    /// Predictive minus expected entropy, in nats.
    MutualInformation,
    /// Entropy of (a, 1 − a), in nats, where a is the summed mean probability of the abnormal
    /// classes.
    AbnormalEntropy,
    /// Share of the passes whose class is not the most frequent one.
    VariationRatio,
    /// Unbiased variance of the predicted class' probability.
    Variance,
    /// The paper's variance: 1000 × `Variance`.
    PaperVariance,
    /// The paper's entropy of the predicted class, in bits.
    PaperEntropy,
    /// The paper's sample-mean score.
    PaperSampleMean,
}

impl Measure {
    /// Every measure, in the order of the answers and the reports.
    pub const ALL: [Self; 9] = [
        Self::PredictiveEntropy,
        Self::ExpectedEntropy,
        Self::MutualInformation,
        Self::AbnormalEntropy,
        Self::VariationRatio,
        Self::Variance,
        Self::PaperVariance,
        Self::PaperEntropy,
        Self::PaperSampleMean,
    ];

    /// The measure's value. `None` if it is undefined: the variances if T = 1, and the abnormal
    /// entropy if [`Summary::with_abnormal`] was not called.
    ///
    /// ```
    /// use uncertainty::{Measure, Samples, summarise};
    ///
    /// let summary = summarise(&Samples::from_rows(&[vec![1.0, 0.0]])?);
    /// assert_eq!(Measure::PredictiveEntropy.of(&summary), Some(0.0));
    /// assert_eq!(Measure::Variance.of(&summary), None, "one pass has no variance");
    /// # Ok::<(), uncertainty::SamplesError>(())
    /// ```
    pub fn of(self, summary: &Summary) -> Option<f64> {
        match self {
            Self::PredictiveEntropy => Some(summary.predictive_entropy),
            Self::ExpectedEntropy => Some(summary.expected_entropy),
            Self::MutualInformation => Some(summary.mutual_information),
            Self::AbnormalEntropy => summary.abnormal.map(|abnormal| abnormal.entropy),
            Self::VariationRatio => Some(summary.variation_ratio),
            Self::Variance => summary.variance,
            Self::PaperVariance => summary.paper.variance,
            Self::PaperEntropy => Some(summary.paper.entropy),
            Self::PaperSampleMean => Some(summary.paper.sample_mean),
        }
    }

    /// The name in files and answers, as serde writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::PredictiveEntropy => "predictive_entropy",
            Self::ExpectedEntropy => "expected_entropy",
            Self::MutualInformation => "mutual_information",
            Self::AbnormalEntropy => "abnormal_entropy",
            Self::VariationRatio => "variation_ratio",
            Self::Variance => "variance",
            Self::PaperVariance => "paper_variance",
            Self::PaperEntropy => "paper_entropy",
            Self::PaperSampleMean => "paper_sample_mean",
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

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

/// The entropy −Σ p ln p of one distribution, in nats, 0 to ln C.
///
/// Divides the values by their sum first, so that rounding of 32-bit floats cannot exceed ln C.
pub(crate) fn entropy(distribution: &[f64]) -> f64 {
    let total: f64 = distribution.iter().sum();
    let present = distribution.iter().filter(|&&p| p > 0.0).map(|p| p / total);
    let sum: f64 = present.map(|p| p * p.ln()).sum();
    (0.0 - sum).max(0.0)
}

/// The mean over passes of each pass' entropy, in nats, 0 to ln C.
pub(crate) fn expected_entropy(samples: &Samples) -> f64 {
    samples.rows().map(entropy).sum::<f64>() / samples.passes() as f64
}

/// Predictive minus expected entropy, in nats: the disagreement of the passes (BALD; Houlsby et
/// al., 2011).
///
/// Computed as the mean Kullback–Leibler divergence from each pass to their mean. This is the same
/// number without the cancellation of two nearly equal entropies. The result is kept between 0 and
/// the predictive entropy.
pub(crate) fn mutual_information(samples: &Samples) -> f64 {
    let mean = mean(samples);
    let divergences: f64 = samples.rows().map(|row| divergence(row, &mean)).sum();
    let information = divergences / samples.passes() as f64;
    information.min(entropy(&mean)).max(0.0)
}

/// How many passes have each class as their largest (C counts that sum to T); ties go to the lowest
/// index.
fn votes(samples: &Samples) -> Vec<usize> {
    let winners: Vec<usize> = samples.rows().map(argmax).collect();
    let votes_for = |class| winners.iter().filter(|&&winner| winner == class).count();
    (0..samples.classes()).map(votes_for).collect()
}

/// 1 − (votes of the most frequent class) / T, from 0 (all passes agree) to 1 − 1/C (Freeman,
/// 1965).
pub(crate) fn variation_ratio(samples: &Samples) -> f64 {
    let most = votes(samples).into_iter().max().unwrap_or(0);
    1.0 - most as f64 / samples.passes() as f64
}

/// The unbiased variance over passes of the predicted class' probability; `None` when T = 1.
pub(crate) fn variance(samples: &Samples) -> Option<f64> {
    class_variance(samples, predicted_class(samples))
}

/// The unbiased standard deviation over passes of each class' probability; `None` when T = 1.
pub(crate) fn standard_deviations(samples: &Samples) -> Option<Vec<f64>> {
    let deviation = |class| class_variance(samples, class).map(f64::sqrt);
    (0..samples.classes()).map(deviation).collect()
}

/// The unbiased variance (divisor T − 1) over passes of one class' probability; `None` when T = 1.
fn class_variance(samples: &Samples, class: usize) -> Option<f64> {
    let passes = samples.passes() as f64;
    if passes < 2.0 {
        return None;
    }
    let mean = samples.of_class(class).sum::<f64>() / passes;
    let squares: f64 = samples.of_class(class).map(|p| (p - mean).powi(2)).sum();
    Some(squares / (passes - 1.0))
}

/// Σ p ln(p / reference) in nats, both divided by their sums. Terms with a reference of 0 are left
/// out: the reference is a mean that includes `row`, so their p is 0 or negligible.
fn divergence(row: &[f64], reference: &[f64]) -> f64 {
    let (row_total, reference_total): (f64, f64) = (row.iter().sum(), reference.iter().sum());
    let present = row
        .iter()
        .zip(reference)
        .filter(|&(&p, &r)| p > 0.0 && r > 0.0);
    let normalised = present.map(|(p, r)| (p / row_total, r / reference_total));
    normalised.map(|(p, r)| p * (p / r).ln()).sum()
}

/// The paper's three scores of one prediction, before normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PaperScores {
    /// 1000 × the unbiased variance of the predicted class' probability; `None` when T = 1.
    pub variance: Option<f64>,
    /// −Σ_t p log2 p of the predicted class, in bits, summed over the T passes.
    pub entropy: f64,
    /// 1 − 2 (s − ½)², s the mean probability of the predicted class: from ½ (s = 0 or 1) to 1 (s =
    /// ½).
    pub sample_mean: f64,
}

/// The paper's three scores of the predicted class.
///
/// ```
/// use uncertainty::{Samples, paper::paper_scores};
///
/// let scores = paper_scores(&Samples::from_rows(&[vec![1.0, 0.0], vec![1.0, 0.0]])?);
/// assert_eq!((scores.variance, scores.entropy, scores.sample_mean), (Some(0.0), 0.0, 0.5));
/// # Ok::<(), uncertainty::SamplesError>(())
/// ```
pub fn paper_scores(samples: &Samples) -> PaperScores {
    let class = predicted_class(samples);
    PaperScores {
        variance: variance(samples).map(|variance| VARIANCE_SCALE * variance),
        entropy: summed_entropy_bits(samples, class),
        sample_mean: sample_mean_score(samples, class),
    }
}

fn summed_entropy_bits(samples: &Samples, class: usize) -> f64 {
    let sum: f64 = samples
        .of_class(class)
        .filter(|&p| p > 0.0)
        .map(|p| p * p.log2())
        .sum();
    (0.0 - sum).max(0.0)
}

fn sample_mean_score(samples: &Samples, class: usize) -> f64 {
    let mean = samples.of_class(class).sum::<f64>() / samples.passes() as f64;
    1.0 - 2.0 * (mean - 0.5).powi(2)
}
