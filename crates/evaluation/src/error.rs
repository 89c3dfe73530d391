//! Errors of the figures.

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
    /// There are no items.
    #[error("expected at least one score, found none")]
    Empty,
    /// Two lists that belong together differ in length.
    #[error("expected {expected} {what}, one per item, found {found}")]
    Length {
        /// The items of the list, in plural.
        what: &'static str,
        /// Number found.
        found: usize,
        /// Number expected.
        expected: usize,
    },
    /// A true class or a positive class is not a class index.
    #[error("label {label} is not one of the {classes} classes, which are counted from 0")]
    LabelOutOfRange {
        /// The first such label.
        label: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// A score is NaN or infinite.
    #[error("the score of item {item} is infinite or NaN; leave out items with undefined scores")]
    NotFinite {
        /// The first such item.
        item: usize,
    },
    /// A proportion without trials, or with more successes than trials.
    #[error(
        "{successes} successes of {trials} trials are not a proportion; give at least one trial \
         and at most as many successes"
    )]
    Proportion {
        /// Number of successes.
        successes: u64,
        /// Number of trials.
        trials: u64,
    },
    /// A confidence level that is not strictly between 0 and 1.
    #[error("the confidence level must be between 0 and 1, for example 0.95, found {0}")]
    Confidence(f64),
    /// A coverage outside 1% to 100%.
    #[error("the coverage must be from 1% to 100%, found {0}%")]
    Coverage(usize),
    /// Too few groups or resamples.
    #[error(
        "resampling needs at least 2 groups and 1 resample, found {groups} groups and {resamples} \
         resamples"
    )]
    Resampling {
        /// Number of groups.
        groups: usize,
        /// Number of resamples.
        resamples: usize,
    },
}
