//! Views are asked for in rounds, and no more of them than the decision needs.

use std::ops::Range;

use crate::{RunError, method::samples::samples_of};
use bundle::{Manifest, Method};
use uncertainty::{
    Policy,
    stopping::{Boundary, StoppingRule, settled},
};

/// The views of one cell, asked for in rounds until the bundle's stopping rule is satisfied, or all of them are there.
pub(crate) struct ViewRounds<'request> {
    manifest: &'request Manifest,
    /// `None` where all views are wanted.
    rule: Option<StoppingRule>,
    boundary: Boundary<'request>,
    /// Number of views at most.
    total: usize,
    /// Views that can be answered at once: fewer would leave workers idle.
    at_once: usize,
    /// Views that were asked for, and how many of them before the last round.
    asked: usize,
    asked_before: usize,
    is_settled: bool,
}

impl<'request> ViewRounds<'request> {
    /// `policy` decides on the cell, `abnormal` says which classes are; `exact` takes every view, whatever the bundle's rule says.
    pub(crate) fn new(
        manifest: &'request Manifest,
        (total, at_once): (usize, usize),
        policy: Option<&'request Policy>,
        abnormal: &'request [bool],
        exact: bool,
    ) -> Self {
        let calibration = manifest.calibration.get(&Method::Tta);
        let rule = calibration.and_then(|calibration| calibration.stopping);
        Self {
            manifest,
            rule: rule.filter(|_| !exact),
            boundary: Boundary::of(policy, abnormal),
            total,
            at_once,
            asked: 0,
            asked_before: 0,
            is_settled: false,
        }
    }

    /// Which views to ask for next; `None` when those there are settle the decision, or are all.
    pub(crate) fn next_round(&mut self) -> Option<Range<usize>> {
        if self.is_settled || self.asked >= self.total {
            return None;
        }
        self.asked_before = self.asked;
        self.asked = self.end_of_round();
        Some(self.asked_before..self.asked)
    }

    fn end_of_round(&self) -> usize {
        let Some(rule) = &self.rule else {
            return self.total;
        };
        let least = (self.asked + self.at_once).min(self.total);
        let mut looks = rule.looks(self.total);
        let next = looks.find(|look| *look > self.asked && *look >= least);
        next.unwrap_or(self.total)
    }

    /// Looks at the scores of all views so far, `[views][C]`, after a round. Keeps those up to the first look at which the decision
    /// was settled: the same number however many are answered at once.
    pub(crate) fn look_at(&mut self, scores: &mut Vec<Vec<f32>>) -> Result<(), RunError> {
        let Some(rule) = &self.rule else {
            return Ok(());
        };
        let new = self.asked_before + 1..=self.asked;
        for look in rule.looks(self.total).filter(|look| new.contains(look)) {
            let seen = scores.get(..look).unwrap_or(scores).concat();
            let samples = samples_of(self.manifest, Method::Tta, &seen)?;
            if settled(&samples, self.total, &self.boundary, rule) {
                scores.truncate(look);
                self.is_settled = true;
                break;
            }
        }
        Ok(())
    }

    /// The share of its views that the cell took, in (0, 1]; `None` where a rule could not have stopped it.
    pub(crate) fn share_asked(&self) -> Option<f64> {
        self.rule?;
        Some(self.asked as f64 / self.total as f64)
    }
}

/// Cuts a round into consecutive pieces of at most `largest` views, at least one for each of `workers` where there are enough.
pub(crate) fn chunks(views: Range<usize>, largest: usize, workers: usize) -> Vec<Range<usize>> {
    let size = views
        .len()
        .div_ceil(workers.max(1))
        .clamp(1, largest.max(1));
    let end = views.end;
    views
        .step_by(size)
        .map(|start| start..(start + size).min(end))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::chunks;

    #[test]
    fn chunks_cover_every_view_once() {
        assert_eq!(chunks(0..10, 4, 2), [0..4, 4..8, 8..10]);
        assert_eq!(chunks(4..8, 8, 4), [4..5, 5..6, 6..7, 7..8]);
        assert!(chunks(3..3, 8, 4).is_empty());
    }
}
