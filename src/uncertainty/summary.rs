//! One prediction and every number about its uncertainty.

use serde::Serialize;

use super::measures;
use super::paper::{PaperScores, paper_scores};
use super::samples::{Samples, argmax};

/// What T samples say together. Entropies are in nats; every number is finite.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Mean probability of each class (C values).
    pub mean: Vec<f64>,
    /// Unbiased standard deviation over passes of each class' probability (C values); `None` when T = 1.
    pub std: Option<Vec<f64>>,
    /// Index of the class with the largest mean probability, the lowest when several tie.
    pub predicted: usize,
    /// Mean probability of the predicted class, 1/C to 1.
    pub confidence: f64,
    /// Entropy of the mean distribution, 0 to ln C.
    pub predictive_entropy: f64,
    /// Mean entropy of the passes, 0 to ln C.
    pub expected_entropy: f64,
    /// Predictive minus expected entropy, 0 to the predictive entropy.
    pub mutual_information: f64,
    /// Share of the passes that did not vote for the modal class.
    pub variation_ratio: f64,
    /// Unbiased variance of the predicted class' probability; `None` when T = 1.
    pub variance: Option<f64>,
    /// The scores of the publication.
    pub paper: PaperScores,
}

/// Computes every number of [`Summary`]; samples are valid by construction, so this cannot fail.
pub fn summarise(samples: &Samples) -> Summary {
    let mean = measures::mean(samples);
    let predicted = argmax(&mean);
    Summary {
        std: measures::standard_deviations(samples),
        predicted,
        confidence: mean.get(predicted).copied().unwrap_or_default(),
        predictive_entropy: measures::entropy(&mean),
        expected_entropy: measures::expected_entropy(samples),
        mutual_information: measures::mutual_information(samples),
        variation_ratio: measures::variation_ratio(samples),
        variance: measures::variance(samples),
        paper: paper_scores(samples),
        mean,
    }
}
