//! When further views of test-time augmentation would not change the decision.
//!
//! Views are drawn in a fixed order, so the first t of T are a sample without replacement from all T. The decision that all T
//! would give is taken for settled when it is λ standard errors away from changing; λ is calibrated without labels, against
//! the decisions of all T views.

mod fit;
mod margin;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::measure::Measure;
use super::promise::Promise;
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
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Boundary<'a> {
    /// What the policy accepts at most; `None` where every cell is referred.
    pub limit: Option<Limit>,
    /// The policy's kind of promise, which says what may be accepted at all.
    pub kind: Option<Promise>,
    /// Which classes are abnormal (C flags).
    pub abnormal: &'a [bool],
}

/// The largest value of a measure that is accepted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// Only `predictive_entropy` and `abnormal_entropy` have a standard error here; by any other measure no decision is settled
    /// before the last view.
    pub measure: Measure,
    /// In the measure's unit.
    pub threshold: f64,
}

impl<'a> Boundary<'a> {
    /// That of a policy, or of none.
    pub fn of(policy: Option<&Policy>, abnormal: &'a [bool]) -> Self {
        let limit = |policy: &Policy| {
            Some(Limit {
                measure: policy.measure,
                threshold: policy.threshold?,
            })
        };
        Boundary {
            limit: policy.and_then(limit),
            kind: policy.and_then(|policy| policy.kind),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    const ABNORMAL: [bool; 3] = [false, true, true];
    const REFER_ALL: Boundary<'static> = Boundary {
        limit: None,
        kind: None,
        abnormal: &ABNORMAL,
    };

    fn any_samples() -> impl Strategy<Value = Samples> {
        let row = prop::collection::vec(0.01..1.0f64, 3).prop_map(|row| {
            let sum: f64 = row.iter().sum();
            row.into_iter().map(|weight| weight / sum).collect()
        });
        prop::collection::vec(row, 1..12)
            .prop_map(|rows: Vec<Vec<f64>>| Samples::from_rows(&rows).unwrap())
    }

    fn boundary(measure: Measure, threshold: f64) -> Boundary<'static> {
        Boundary {
            limit: Some(Limit { measure, threshold }),
            ..REFER_ALL
        }
    }

    fn rule(lambda: f64) -> StoppingRule {
        StoppingRule {
            start: 2,
            step: 1,
            lambda,
        }
    }

    proptest! {
        #[test]
        fn an_infinite_lambda_never_stops_early_and_all_views_are_always_settled(
            samples in any_samples(), threshold in 0.0..1.1f64, further in 1..9usize
        ) {
            let boundary = boundary(Measure::PredictiveEntropy, threshold);
            let views = samples.passes();
            for boundary in [&REFER_ALL, &boundary] {
                prop_assert!(!settled(&samples, views + further, boundary, &rule(f64::INFINITY)));
                prop_assert!(settled(&samples, views, boundary, &rule(f64::INFINITY)));
            }
        }

        #[test]
        fn what_is_settled_by_a_large_lambda_is_settled_by_a_smaller_one(
            samples in any_samples(), threshold in 0.0..1.1f64, lambda in 0.0..9.0f64, less in 0.0..1.0f64
        ) {
            for measure in [Measure::PredictiveEntropy, Measure::AbnormalEntropy] {
                let boundary = boundary(measure, threshold);
                let settled = |lambda| settled(&samples, 20, &boundary, &rule(lambda));
                prop_assert!(settled(lambda * less) || !settled(lambda));
            }
        }

        #[test]
        fn a_measure_without_a_standard_error_takes_all_views(samples in any_samples(), threshold in 0.0..1.0f64) {
            let boundary = boundary(Measure::VariationRatio, threshold);
            prop_assert!(!settled(&samples, 20, &boundary, &rule(0.0)));
        }

        #[test]
        fn looks_ascend_to_the_last_view(start in 2..60usize, step in 1..9usize, total in 1..60usize) {
            let looks: Vec<usize> = StoppingRule { start, step, lambda: 1.0 }.looks(total).collect();
            prop_assert!(looks.is_sorted_by(|before, after| before < after));
            prop_assert_eq!(looks.last(), Some(&total));
        }
    }

    #[test]
    fn no_view_less_than_the_start_settles_anything() {
        let alike = Samples::from_rows(&vec![vec![0.9, 0.05, 0.05]; 5]).unwrap();
        let late = StoppingRule {
            start: 6,
            ..rule(1.0)
        };
        assert!(!settled(&alike, 20, &REFER_ALL, &late));
        assert!(settled(&alike, 20, &REFER_ALL, &rule(1.0)));
    }

    #[test]
    fn an_accepted_cell_is_settled_only_when_its_class_is() {
        let torn = [[0.1, 0.5, 0.4], [0.1, 0.4, 0.5], [0.1, 0.5, 0.4]];
        let torn = Samples::from_rows(&torn.map(Vec::from)).unwrap();
        let at = |threshold| {
            let boundary = boundary(Measure::PredictiveEntropy, threshold);
            settled(&torn, 50, &boundary, &rule(2.0))
        };
        assert!(
            at(0.1),
            "referred for certain, whichever abnormal class it is"
        );
        assert!(!at(1.09), "accepted for certain, but as which class?");
    }

    /// Views that scatter a little about `mean`.
    fn views_about(mean: [f64; 3]) -> Samples {
        let shift = [0.02, -0.02, 0.02, -0.02];
        let row = |by: &f64| vec![mean[0] + by, mean[1] - by / 2.0, mean[2] - by / 2.0];
        Samples::from_rows(&shift.iter().map(row).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_cell_that_is_called_abnormal_for_certain_is_referred_without_further_views() {
        // The entropy is close to the threshold: by that alone more views would be needed.
        let abnormal = views_about([0.1, 0.88, 0.02]);
        let entropy = crate::summarise(&abnormal).with_abnormal(&ABNORMAL);
        let close = boundary(
            Measure::AbnormalEntropy,
            entropy.abnormal.unwrap().entropy + 1e-4,
        );
        let clearing = Boundary {
            kind: Some(Promise::AutoClear),
            ..close
        };
        assert!(!settled(&abnormal, 50, &close, &rule(2.0)));
        assert!(settled(&abnormal, 50, &clearing, &rule(2.0)));
    }

    #[test]
    fn a_cell_is_cleared_early_only_when_its_call_is_settled() {
        // NILM leads for certain, but the abnormal classes together are at one half.
        let clearing = Boundary {
            kind: Some(Promise::AutoClear),
            ..boundary(Measure::PredictiveEntropy, 1.09)
        };
        let at = |normal: f64| {
            let rest = (1.0 - normal) / 2.0;
            settled(
                &views_about([normal, rest, rest]),
                50,
                &clearing,
                &rule(2.0),
            )
        };
        assert!(
            !at(0.505),
            "the abnormal classes together are just below one half"
        );
        assert!(!at(0.495), "just above");
        assert!(at(0.75));
        // Referred for certain, and it is not certain whether as abnormal.
        let strict = Boundary {
            kind: Some(Promise::AutoClear),
            ..boundary(Measure::PredictiveEntropy, 0.5)
        };
        let close = views_about([0.505, 0.2475, 0.2475]);
        assert!(!settled(&close, 50, &strict, &rule(2.0)));
        assert!(!settled(&close, 50, &REFER_ALL, &rule(2.0)));
        let normal = views_about([0.75, 0.125, 0.125]);
        assert!(settled(&normal, 50, &strict, &rule(2.0)));
        assert!(settled(&normal, 50, &REFER_ALL, &rule(2.0)));
    }

    #[test]
    fn what_a_file_may_get_wrong_is_told_apart() {
        assert_eq!(rule(2.3).check(), Ok(()));
        let start = StoppingRule {
            start: 1,
            ..rule(2.3)
        };
        assert_eq!(start.check(), Err(StoppingError::Start(1)));
        let step = StoppingRule {
            step: 0,
            ..rule(2.3)
        };
        assert_eq!(step.check(), Err(StoppingError::Step));
        assert_eq!(rule(-1.0).check(), Err(StoppingError::Lambda(-1.0)));
        assert!(rule(f64::NAN).check().is_err());
    }
}
