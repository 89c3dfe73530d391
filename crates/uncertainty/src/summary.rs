//! A prediction and all its measures of uncertainty.

use serde::Serialize;

use super::{
    measure::{self, PaperScores, paper_scores},
    samples::{Samples, argmax},
};

/// From this probability of all abnormal (or high-grade) classes together, a cell is called
/// abnormal (or high grade), whichever single class leads.
pub(super) const ABNORMAL_FROM: f64 = 0.5;

/// The summary of T samples. Entropies are in nats; every number is finite.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// Mean probability of each class (C values).
    pub mean: Vec<f64>,
    /// Unbiased standard deviation over passes of each class' probability (C values); `None` when T
    /// = 1.
    pub std: Option<Vec<f64>>,
    /// Index of the class with the largest mean probability; the lowest index if several are equal.
    pub predicted: usize,
    /// Mean probability of the predicted class, 1/C to 1.
    pub confidence: f64,
    /// Entropy of the mean distribution, 0 to ln C.
    pub predictive_entropy: f64,
    /// Mean entropy of the passes, 0 to ln C.
    pub expected_entropy: f64,
    /// Predictive minus expected entropy, 0 to the predictive entropy.
    pub mutual_information: f64,
    /// Share of the passes whose class is not the most frequent one.
    pub variation_ratio: f64,
    /// Unbiased variance of the predicted class' probability; `None` when T = 1.
    pub variance: Option<f64>,
    /// The scores of the paper.
    pub paper: PaperScores,
    /// The answer in two classes, normal and abnormal; `None` until [`Summary::with_abnormal`] sets
    /// it.
    pub abnormal: Option<Abnormality>,
    /// Whether the cell is called abnormal: the predicted class is abnormal, or the abnormal
    /// classes together have at least ½. `None` until [`Summary::with_abnormal`] sets it.
    pub called_abnormal: Option<bool>,
    /// Sum of the mean probabilities of the high-grade classes, 0 to 1; `None` until
    /// [`Summary::with_high_grade`] sets it.
    pub high_grade_probability: Option<f64>,
    /// Whether the cell is called high grade: the predicted class is high grade, or the high-grade
    /// classes together have at least ½. `None` until [`Summary::with_high_grade`] sets it.
    pub called_high_grade: Option<bool>,
}

/// Flags of the abnormal and of the high-grade classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassGroups<'a> {
    /// Whether a class is abnormal (C flags).
    pub abnormal: &'a [bool],
    /// Whether a class is high grade (C flags, or empty if the model does not say).
    pub high_grade: &'a [bool],
}

/// An answer in two classes, normal and abnormal.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Abnormality {
    /// Sum of the mean probabilities of the abnormal classes, 0 to 1.
    pub probability: f64,
    /// Entropy of (probability, 1 − probability), 0 to ln 2.
    pub entropy: f64,
}

impl Summary {
    /// Adds the call and the answer in two classes. `abnormal` has one flag per class.
    ///
    /// Adds nothing unless there are C flags and at least one class is abnormal. If every class is
    /// abnormal, it adds the call but no answer in two classes, whose entropy would be meaningless.
    ///
    /// ```
    /// use uncertainty::{Samples, summarise};
    ///
    /// let samples = Samples::from_rows(&[vec![0.4, 0.3, 0.3]])?;
    /// let summary = summarise(&samples).with_abnormal(&[false, true, true]);
    /// assert_eq!(summary.called_abnormal, Some(true));
    /// assert!(summary.abnormal.is_some_and(|answer| (answer.probability - 0.6).abs() < 1e-9));
    /// # Ok::<(), uncertainty::SamplesError>(())
    /// ```
    pub fn with_abnormal(mut self, abnormal: &[bool]) -> Summary {
        if abnormal.len() != self.mean.len() || !abnormal.contains(&true) {
            return self;
        }
        let probability = self.together(abnormal, true);
        let normal = self.together(abnormal, false);
        self.called_abnormal = Some(self.calls(abnormal, probability));
        if abnormal.contains(&false) {
            self.abnormal = Some(Abnormality {
                probability,
                entropy: measure::entropy(&[probability, normal]),
            });
        }
        self
    }

    /// Adds the call and the probability of the high-grade classes. `high_grade` has one flag per
    /// class.
    ///
    /// Adds nothing unless there are C flags and at least one class is high grade.
    ///
    /// ```
    /// use uncertainty::{Samples, summarise};
    ///
    /// let samples = Samples::from_rows(&[vec![0.4, 0.3, 0.3]])?;
    /// let summary = summarise(&samples).with_high_grade(&[false, true, true]);
    /// assert_eq!(summary.called_high_grade, Some(true), "together they have more than one half");
    /// # Ok::<(), uncertainty::SamplesError>(())
    /// ```
    pub fn with_high_grade(mut self, high_grade: &[bool]) -> Summary {
        if high_grade.len() != self.mean.len() || !high_grade.contains(&true) {
            return self;
        }
        let probability = self.together(high_grade, true);
        self.high_grade_probability = Some(probability);
        self.called_high_grade = Some(self.calls(high_grade, probability));
        self
    }

    /// The summed mean probability of the classes with this flag.
    fn together(&self, flags: &[bool], wanted: bool) -> f64 {
        let pairs = self.mean.iter().zip(flags);
        let chosen = pairs.filter(|&(_, &flag)| flag == wanted);
        chosen.map(|(probability, _)| probability).sum()
    }

    /// Whether the flagged classes, with this summed probability, determine the call.
    fn calls(&self, flags: &[bool], together: f64) -> bool {
        let leads = flags.get(self.predicted).copied().unwrap_or(true);
        leads || together >= ABNORMAL_FROM
    }
}

/// Computes every number of [`Summary`]. It cannot fail, because samples are checked when they are
/// made.
///
/// ```
/// use uncertainty::{Samples, summarise};
///
/// // Two passes that are certain of different classes: all uncertainty is disagreement.
/// let summary = summarise(&Samples::from_rows(&[vec![1.0, 0.0], vec![0.0, 1.0]])?);
/// assert_eq!(summary.mean, [0.5, 0.5]);
/// assert_eq!(summary.expected_entropy, 0.0);
/// assert!((summary.mutual_information - 2.0_f64.ln()).abs() < 1e-12);
/// # Ok::<(), uncertainty::SamplesError>(())
/// ```
pub fn summarise(samples: &Samples) -> Summary {
    let mean = measure::mean(samples);
    let predicted = argmax(&mean);
    Summary {
        std: measure::standard_deviations(samples),
        predicted,
        confidence: mean.get(predicted).copied().unwrap_or_default(),
        predictive_entropy: measure::entropy(&mean),
        expected_entropy: measure::expected_entropy(samples),
        mutual_information: measure::mutual_information(samples),
        variation_ratio: measure::variation_ratio(samples),
        variance: measure::variance(samples),
        paper: paper_scores(samples),
        abnormal: None,
        called_abnormal: None,
        high_grade_probability: None,
        called_high_grade: None,
        mean,
    }
}
