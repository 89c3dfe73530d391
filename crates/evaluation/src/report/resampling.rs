//! Resampling, done in one way for the whole report.

use super::{PartInput, ReportError};
use crate::{
    bootstrap::{BootstrapPlan, Estimate, Groups, percentile_intervals},
    classification::ratio,
};

/// An undefined figure.
pub(super) const UNDEFINED: Estimate = Estimate {
    value: None,
    interval: None,
    undefined: 0,
};

/// Groups and plan of a part.
#[derive(Clone, Debug)]
pub(super) struct Resampling {
    groups: Groups,
    items: usize,
    plan: BootstrapPlan,
}

impl Resampling {
    pub(super) fn of_part(part: &PartInput, plan: BootstrapPlan) -> Resampling {
        let images = part.cells.iter().map(|cell| cell.image_id.as_str());
        Resampling::of_names(&images.collect::<Vec<_>>(), plan)
    }

    pub(super) fn of_names<Name: Ord>(names: &[Name], plan: BootstrapPlan) -> Resampling {
        Resampling {
            groups: Groups::of(names),
            items: names.len(),
            plan,
        }
    }

    /// An estimate of each of the figures; without intervals if all cells are of one image.
    pub(super) fn estimates(
        &self,
        figures: impl Fn(&[usize]) -> Vec<Option<f64>>,
    ) -> Result<Vec<Estimate>, ReportError> {
        if self.groups.count() >= 2 {
            return Ok(percentile_intervals(&self.groups, &self.plan, figures)?);
        }
        let all: Vec<usize> = (0..self.items).collect();
        let lone = |value| Estimate {
            value,
            interval: None,
            undefined: self.plan.resamples,
        };
        Ok(figures(&all).into_iter().map(lone).collect())
    }

    /// For each of several pairs: the share of the items in `whole` that are in `part`.
    pub(super) fn shares(
        &self,
        pairs: &[(&[bool], &[bool])],
    ) -> Result<Vec<Estimate>, ReportError> {
        self.estimates(|items| {
            let shares = pairs.iter().map(|(part, whole)| share(items, part, whole));
            shares.collect()
        })
    }

    /// The share of each of `bins` among the items in `included`; `bin_of` is the bin of each item.
    pub(super) fn bin_shares(
        &self,
        bin_of: &[usize],
        included: &[bool],
        bins: usize,
    ) -> Result<Vec<Estimate>, ReportError> {
        self.estimates(|items| {
            let mut counts = vec![0usize; bins];
            for &item in items.iter().filter(|&&item| holds(included, item)) {
                if let Some(count) = bin_of.get(item).and_then(|&bin| counts.get_mut(bin)) {
                    *count += 1;
                }
            }
            let total = counts.iter().sum();
            counts.iter().map(|count| ratio(*count, total)).collect()
        })
    }

    /// The share of items of each of `bins` with `event`; undefined for an empty bin.
    pub(super) fn shares_within_bins(
        &self,
        bin_of: &[usize],
        event: &[bool],
        bins: usize,
    ) -> Result<Vec<Estimate>, ReportError> {
        self.estimates(|items| {
            let mut counts = vec![(0usize, 0usize); bins];
            for &item in items {
                if let Some((events, all)) = bin_of.get(item).and_then(|&bin| counts.get_mut(bin)) {
                    *events += usize::from(holds(event, item));
                    *all += 1;
                }
            }
            let shares = counts.iter().map(|(events, all)| ratio(*events, *all));
            shares.collect()
        })
    }
}

/// The one of `bins` of equal width from `low` to `high` that holds a value; values beyond belong
/// to the outermost bins.
pub(super) fn bin_of(value: f64, (low, high): (f64, f64), bins: usize) -> usize {
    let along = (value - low) / (high - low);
    ((along * bins as f64).max(0.0) as usize).min(bins - 1)
}

fn share(items: &[usize], part: &[bool], whole: &[bool]) -> Option<f64> {
    let within = || items.iter().filter(|&&item| holds(whole, item));
    let both = within().filter(|&&item| holds(part, item));
    ratio(both.count(), within().count())
}

fn holds(flags: &[bool], item: usize) -> bool {
    flags.get(item).copied().unwrap_or_default()
}
