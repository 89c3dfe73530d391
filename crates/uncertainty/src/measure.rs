//! The names by which bundles, policies and reports speak of a measure.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::summary::Summary;

/// One measure of uncertainty; larger is less sure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Entropy of the mean distribution, in nats: the default for decisions.
    PredictiveEntropy,
    /// Mean entropy of the passes, in nats.
    ExpectedEntropy,
    /// Predictive minus expected entropy, in nats.
    MutualInformation,
    /// Entropy of (a, 1 − a), in nats, a being the summed mean probability of the abnormal classes.
    AbnormalEntropy,
    /// Share of the passes that did not vote for the modal class.
    VariationRatio,
    /// Unbiased variance of the predicted class' probability.
    Variance,
    /// The paper's variance, 1000 × the above.
    PaperVariance,
    /// The paper's entropy of the predicted class, in bits.
    PaperEntropy,
    /// The paper's sample-mean score.
    PaperSampleMean,
}

impl Measure {
    /// Every measure, in the order of the answers and the reports.
    pub const ALL: [Measure; 9] = [
        Measure::PredictiveEntropy,
        Measure::ExpectedEntropy,
        Measure::MutualInformation,
        Measure::AbnormalEntropy,
        Measure::VariationRatio,
        Measure::Variance,
        Measure::PaperVariance,
        Measure::PaperEntropy,
        Measure::PaperSampleMean,
    ];

    /// The measure's value; `None` where it is undefined: the variances of a single pass, and the abnormal entropy of a summary
    /// that was not told which classes are abnormal.
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
            Measure::PredictiveEntropy => Some(summary.predictive_entropy),
            Measure::ExpectedEntropy => Some(summary.expected_entropy),
            Measure::MutualInformation => Some(summary.mutual_information),
            Measure::AbnormalEntropy => summary.abnormal.map(|abnormal| abnormal.entropy),
            Measure::VariationRatio => Some(summary.variation_ratio),
            Measure::Variance => summary.variance,
            Measure::PaperVariance => summary.paper.variance,
            Measure::PaperEntropy => Some(summary.paper.entropy),
            Measure::PaperSampleMean => Some(summary.paper.sample_mean),
        }
    }

    /// The name in files and answers, as serde writes it.
    pub fn name(self) -> &'static str {
        match self {
            Measure::PredictiveEntropy => "predictive_entropy",
            Measure::ExpectedEntropy => "expected_entropy",
            Measure::MutualInformation => "mutual_information",
            Measure::AbnormalEntropy => "abnormal_entropy",
            Measure::VariationRatio => "variation_ratio",
            Measure::Variance => "variance",
            Measure::PaperVariance => "paper_variance",
            Measure::PaperEntropy => "paper_entropy",
            Measure::PaperSampleMean => "paper_sample_mean",
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
