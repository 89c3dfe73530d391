//! When further views of test-time augmentation would not change the decision.
//!
//! Views are drawn in a fixed order, so the first t of T are a sample without replacement from all T. The decision that all T
//! would give is taken for settled when it is λ standard errors away from changing; λ is calibrated without labels, against
//! the decisions of all T views.

mod fit;
mod margin;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::referral::Policy;
use super::samples::Samples;

pub use fit::{Saving, StoppingFit, calibrate};
pub use margin::margin;

/// After how many views to look, and how sure to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoppingRule {
    /// Views before the first look, at least 2: one view has no spread.
    pub start: usize,
    /// Views between looks, at least 1.
    pub step: usize,
    /// Standard errors by which a decision has to be away from changing; infinity never stops early.
    pub lambda: f64,
}

/// Where a decision changes. Stopping early keeps the decision: accepted or referred, called normal or abnormal, and the class of an
/// accepted answer.
///
/// Only `predictive_entropy` and `abnormal_entropy` have a standard error here; by a policy on any other measure no decision is
/// settled before the last view.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Boundary<'a> {
    /// The policy that decides, which accepts something; `None` where every cell is referred.
    policy: Option<&'a Policy>,
    /// Which classes are abnormal (C flags).
    abnormal: &'a [bool],
}

impl<'a> Boundary<'a> {
    /// That of a policy, or of none; `abnormal` has a flag for each class.
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
    /// One view has no spread.
    #[error("the stopping rule starts at {0} views; start at 2 or more")]
    Start(usize),
    /// It would look at the same views for ever.
    #[error("the stopping rule takes 0 views a step; take 1 or more")]
    Step,
    /// λ is negative or not a number.
    #[error("the stopping rule's lambda is {0}; it must be 0 or more")]
    Lambda(f64),
}

impl StoppingRule {
    /// Checks what a file may get wrong.
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

/// Whether the decision that `total` views would give is settled by the `samples` of the first of them.
///
/// `boundary` is that of the policy that decides. Where every cell is referred, what counts are the class and the call.
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
