//! Test-time augmentation: views are answered a few at a time, and no more of them than the decision needs.

use std::{ops::Range, sync::Arc};

use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::{
    EngineError, HeadCall, Model, RunError,
    judge::samples_of,
    methods::tta,
    plan::MethodPlan,
    predict::{Outcome, Work},
    prepare::Source,
};
use bundle::Method;
use imaging::CellImage;
use uncertainty::stopping::{Boundary, StoppingRule, settled};

impl Work<'_> {
    /// Answers the views of a cell until the bundle's stopping rule is satisfied, or all of them.
    pub(super) async fn run_views(&self, cell: Arc<CellImage>) -> Result<Outcome, EngineError> {
        let mut all = Outcome::default();
        let Some(plan) = self.plan.tta() else {
            return Ok(all);
        };
        let total = plan.passes;
        let stopping = Stopping::of(self, plan);
        let mut used = 0;
        while used < total {
            let seen = used;
            let until = stopping
                .as_ref()
                .map_or(total, |stopping| stopping.next(used));
            all = all.and(self.run_range(&cell, used..until).await?);
            used = until;
            let Some(stopping) = &stopping else {
                continue;
            };
            if let Some(enough) = stopping.enough(&all.scores, seen..used)? {
                all.scores.truncate(enough);
                break;
            }
        }
        if stopping.is_some() {
            self.engine
                .note_share_of_views(self.index, used as f64 / total as f64);
        }
        Ok(all)
    }

    /// Answers some views, on as many workers as there are: `scores` holds one entry per view.
    async fn run_range(
        &self,
        cell: &Arc<CellImage>,
        views: Range<usize>,
    ) -> Result<Outcome, EngineError> {
        let place = &self.place();
        let chunks = tta::chunks(views, place.batches.largest, place.workers);
        // One in the runtime and one ready for each worker.
        let running = stream::iter(chunks)
            .map(|range| self.run_chunk(cell, range))
            .buffered(2 * place.workers);
        let together = |all: Outcome, chunk| async { Ok(all.and(chunk)) };
        running.try_fold(Outcome::default(), together).await
    }

    async fn run_chunk(
        &self,
        cell: &Arc<CellImage>,
        range: Range<usize>,
    ) -> Result<Outcome, EngineError> {
        // Where views have no head of their own, they go through it together with the images of others.
        let call = HeadCall {
            method: self.model.manifest().head_method(Method::Tta),
            passes: 1,
            seed: self.seed,
        };
        let source = Source::Views {
            cell: Arc::clone(cell),
            seed: self.seed,
            range,
        };
        let mut outcome = self.submit(source, vec![call]).await?;
        let classes = self.model.classes().max(1);
        let of_chunk = outcome.scores.concat();
        outcome.scores = of_chunk.chunks(classes).map(<[f32]>::to_vec).collect();
        Ok(outcome)
    }
}

/// The bundle's stopping rule at work on one cell.
struct Stopping<'request> {
    model: &'request Model,
    rule: StoppingRule,
    boundary: Boundary<'request>,
    total: usize,
    /// Views that can be answered at once: fewer would leave workers idle.
    at_once: usize,
}

impl<'request> Stopping<'request> {
    /// `None` where the bundle has no rule, or all views are wanted.
    fn of(work: &'request Work<'_>, plan: &'request MethodPlan) -> Option<Self> {
        let manifest = work.model.manifest();
        let rule = manifest.calibration.get(&Method::Tta)?.stopping?;
        let place = work.place();
        let stopping = Self {
            model: work.model,
            rule,
            boundary: Boundary::of(plan.policy.as_ref(), work.plan.abnormal()),
            total: plan.passes,
            at_once: place.workers * place.batches.largest,
        };
        (!work.plan.exact).then_some(stopping)
    }

    /// The number of views after which to look next.
    fn next(&self, used: usize) -> usize {
        let least = (used + self.at_once).min(self.total);
        let mut looks = self.rule.looks(self.total);
        looks
            .find(|look| *look > used && *look >= least)
            .unwrap_or(self.total)
    }

    /// The first look among the new views at which the decision was settled: the same however many are answered at once.
    fn enough(&self, scores: &[Vec<f32>], new: Range<usize>) -> Result<Option<usize>, RunError> {
        let looks = self.rule.looks(self.total);
        for look in looks.filter(|look| new.start < *look && *look <= new.end) {
            let seen = scores.get(..look).unwrap_or(scores).concat();
            let samples = samples_of(self.model.manifest(), Method::Tta, &seen)?;
            if settled(&samples, self.total, &self.boundary, &self.rule) {
                return Ok(Some(look));
            }
        }
        Ok(None)
    }
}
