//! The three scores of Ojha & Narendra (MIDL 2024), as their published code computes them, kept so that the paper's tables
//! and plots can be made again.
//!
//! They mislead in places, which is why no decision rests on them by default: the entropy is that of one class alone and
//! peaks at p = 1/e, not at doubt, and it is a sum, so it grows with T; the sample-mean score falls again below s = ½, where
//! a prediction among more than two classes is least sure.

use serde::Serialize;

use super::measures::{predicted_class, variance};
use super::samples::Samples;

/// The variance is multiplied by this before it is plotted in the paper.
const VARIANCE_SCALE: f64 = 1000.0;

/// The paper's three scores of one prediction, before normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PaperScores {
    /// 1000 × the unbiased variance of the predicted class' probability; `None` when T = 1.
    pub variance: Option<f64>,
    /// −Σ_t p log2 p of the predicted class, in bits, summed over the T passes.
    pub entropy: f64,
    /// 1 − 2 (s − ½)², s the mean probability of the predicted class: from ½ (s = 0 or 1) to 1 (s = ½).
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
