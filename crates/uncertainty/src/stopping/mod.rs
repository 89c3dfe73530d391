//! Early stopping of test-time augmentation: when further views would not change the decision.
//!
//! Views are drawn in a fixed order, so the first t of T views are a sample without replacement. A
//! decision counts as settled if it is more than λ standard errors away from changing. λ is
//! calibrated without labels, against the decisions of all T views.

mod fit;
mod margin;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::referral::Policy;
use super::samples::Samples;

pub use fit::{Saving, StoppingFit, calibrate};
pub use margin::margin;

/// When to look at the views so far, and which margin to require.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoppingRule {
    /// Views before the first look, at least 2, because one view has no spread.
    pub start: usize,
    /// Views between looks, at least 1.
    pub step: usize,
    /// Required distance from a change of the decision in standard errors, 0 or more. Infinity
    /// never stops early.
    pub lambda: f64,
}

/// The policy and the abnormal classes that determine where a decision changes. Early stopping
/// keeps the decision: accepted or referred, called normal or abnormal, and the class of an
/// accepted answer.
///
/// Only `predictive_entropy` and `abnormal_entropy` have a standard error here. A policy on another
/// measure takes all views.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Boundary<'a> {
    /// The policy that decides, with a threshold; `None` if every cell is referred.
    policy: Option<&'a Policy>,
    /// Which classes are abnormal (C flags).
    abnormal: &'a [bool],
}

impl<'a> Boundary<'a> {
    /// The boundary of a policy, or of no policy. `abnormal` has one flag per class.
    pub fn of(policy: Option<&'a Policy>, abnormal: &'a [bool]) -> Self {
        Boundary {
            policy: policy.filter(|policy| policy.threshold.is_some()),
            abnormal,
        }
    }
}

/// Why a stopping rule cannot be used.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum StoppingError {
    /// The rule starts before two views.
    #[error("`start` of the stopping rule is {0}, expected 2 or more views")]
    Start(usize),
    /// The rule takes no views between looks.
    #[error("`step` of the stopping rule is 0, expected 1 or more views")]
    Step,
    /// λ is negative or not a number.
    #[error("`lambda` of the stopping rule is {0}, expected a number of 0 or more")]
    Lambda(f64),
}

impl StoppingRule {
    /// Checks values that were read from a file.
    ///
    /// # Errors
    /// Every variant of [`StoppingError`].
    pub fn check(&self) -> Result<(), StoppingError> {
        if self.start < 2 {
            return Err(StoppingError::Start(self.start));
        }
        if self.step == 0 {
            return Err(StoppingError::Step);
        }
        match self.lambda >= 0.0 {
            true => Ok(()),
            false => Err(StoppingError::Lambda(self.lambda)),
        }
    }

    /// The numbers of views after which to look, ascending; the last is `total`.
    pub fn looks(&self, total: usize) -> impl Iterator<Item = usize> {
        let before = (self.start..total).step_by(self.step.max(1));
        before.chain(std::iter::once(total))
    }
}

/// Whether the first views (`samples`) settle the decision that `total` views would give.
///
/// `boundary` is that of the deciding policy. If every cell is referred, only the class and the
/// call count.
///
/// ```
/// use uncertainty::{Samples, StoppingRule, stopping::{Boundary, settled}};
///
/// let refer_all = Boundary::of(None, &[false, true]);
/// let rule = StoppingRule { start: 4, step: 4, lambda: 3.0 };
/// let row = |p: f64| vec![p, 1.0 - p];
/// let alike = Samples::from_rows(&[row(0.9), row(0.91), row(0.9), row(0.91)])?;
/// let apart = Samples::from_rows(&[row(0.9), row(0.1), row(0.8), row(0.3)])?;
/// assert!(settled(&alike, 50, &refer_all, &rule));
/// assert!(!settled(&apart, 50, &refer_all, &rule));
/// # Ok::<(), uncertainty::SamplesError>(())
/// ```
pub fn settled(samples: &Samples, total: usize, boundary: &Boundary, rule: &StoppingRule) -> bool {
    let views = samples.passes();
    if views >= total {
        return true;
    }
    views >= rule.start
        && margin(samples, views, total, boundary).is_some_and(|margin| margin > rule.lambda)
}
