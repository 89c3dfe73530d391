//! Why an evaluation has nothing to say.

use thiserror::Error;

use uncertainty::{RangeError, SamplesError};

/// Why figures cannot be computed. Items and classes are counted from 0.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// The probabilities are not finite distributions over at least two classes.
    #[error(transparent)]
    Probabilities(#[from] SamplesError),
    /// The uncertainties span no range.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// There is nothing to evaluate.
    #[error("no scores were given; at least one is needed")]
    Empty,
    /// Two lists that go together differ in length.
    #[error("{found} {what} were given for {expected} items; give one per item")]
    Length {
        /// What there are too many or too few of.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many items there are.
        expected: usize,
    },
    /// A true class or a positive class is not a class index.
    #[error("label {label} is not one of the {classes} classes, counted from 0")]
    LabelOutOfRange {
        /// The first such label.
        label: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// A score is NaN or infinite.
    #[error("the score of item {item} is not finite; leave items of undefined score out")]
    NotFinite {
        /// The first such item.
        item: usize,
    },
    /// A proportion without trials, or with more successes than trials.
    #[error(
        "{successes} of {trials} is not a proportion; give at least one trial and no more successes than trials"
    )]
    Proportion {
        /// The count above the line.
        successes: u64,
        /// The count below the line.
        trials: u64,
    },
    /// A confidence level that is not strictly between 0 and 1.
    #[error("the confidence level {0} is not between 0 and 1; 0.95 is usual")]
    Confidence(f64),
    /// A coverage that accepts nothing, or more than everything.
    #[error("a coverage of {0}% is not between 1% and 100%")]
    Coverage(usize),
    /// Resampling needs something to vary.
    #[error(
        "{groups} groups cannot be resampled {resamples} times; give at least 2 groups and 1 resample"
    )]
    Resampling {
        /// How many groups there are.
        groups: usize,
        /// How many resamples were asked for.
        resamples: usize,
    },
}
