//! Percentile intervals of any figure, resampled by group (Efron, 1979; by cluster: Davison &
//! Hinkley, 1997, § 3.8).
//!
//! Cells of one image resemble each other, so a resample draws whole images. Drawing single cells
//! would give intervals that are too narrow.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde::Serialize;

use super::error::EvaluationError;
use super::intervals::{Interval, check_confidence};

/// The items of each group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    members: Vec<Vec<usize>>,
}

/// How to resample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BootstrapPlan {
    /// Number of resamples; 1,000 is enough for a 95% interval.
    pub resamples: usize,
    /// The share of the resampled figures inside the interval, strictly between 0 and 1.
    pub confidence: f64,
    /// The same seed draws the same resamples for every figure, so that differences of two figures
    /// can be paired.
    pub seed: u64,
}

/// A figure with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The figure of all items; `None` if it is undefined.
    pub value: Option<f64>,
    /// The percentiles of the resampled figures; `None` if all of them are undefined.
    pub interval: Option<Interval>,
    /// Number of resamples in which the figure was undefined. The percentiles leave them out.
    pub undefined: usize,
}

impl Default for BootstrapPlan {
    fn default() -> BootstrapPlan {
        BootstrapPlan {
            resamples: 1_000,
            confidence: 0.95,
            seed: 0,
        }
    }
}

impl Groups {
    /// Groups items 0, 1, … by the name of their image. Groups are in the order of the names.
    pub fn of<Name: Ord>(names: &[Name]) -> Groups {
        let mut members: BTreeMap<&Name, Vec<usize>> = BTreeMap::new();
        for (item, name) in names.iter().enumerate() {
            members.entry(name).or_default().push(item);
        }
        Groups {
            members: members.into_values().collect(),
        }
    }

    /// The number of groups.
    pub fn count(&self) -> usize {
        self.members.len()
    }

    /// The items of as many groups as there are, drawn with replacement.
    fn draw(&self, random: &mut ChaCha8Rng) -> Vec<usize> {
        let drawn =
            (0..self.count()).filter_map(|_| self.members.get(random_index(random, self.count())));
        drawn.flatten().copied().collect()
    }
}

/// Evaluates `figure` on all items and on `plan.resamples` resamples of the groups. `figure` gets
/// the indices of a resample's items, each as often as it was drawn, and returns `None` if it is
/// undefined.
///
/// # Errors
/// [`EvaluationError`] `Resampling` for fewer than two groups or no resample, `Confidence`.
pub fn percentile_interval(
    groups: &Groups,
    plan: &BootstrapPlan,
    figure: impl Fn(&[usize]) -> Option<f64>,
) -> Result<Estimate, EvaluationError> {
    let one = percentile_intervals(groups, plan, |items| vec![figure(items)])?;
    one.into_iter().next().ok_or(EvaluationError::Empty)
}

/// [`percentile_interval`] of several figures that are computed together. `figures` returns the
/// same number of values in the same order for every resample. The resamples are those of a single
/// figure.
///
/// # Errors
/// As [`percentile_interval`].
pub fn percentile_intervals(
    groups: &Groups,
    plan: &BootstrapPlan,
    figures: impl Fn(&[usize]) -> Vec<Option<f64>>,
) -> Result<Vec<Estimate>, EvaluationError> {
    if groups.count() < 2 || plan.resamples == 0 {
        return Err(EvaluationError::Resampling {
            groups: groups.count(),
            resamples: plan.resamples,
        });
    }
    check_confidence(plan.confidence)?;
    let values = figures(&groups.members.concat());
    let mut resampled = vec![Vec::new(); values.len()];
    for resample in (0u64..).take(plan.resamples) {
        let drawn = figures(&groups.draw(&mut stream(plan.seed, resample)));
        for (column, value) in resampled.iter_mut().zip(drawn) {
            column.extend(value);
        }
    }
    let columns = values.into_iter().zip(resampled);
    Ok(columns
        .map(|(value, column)| plan.estimate(value, column))
        .collect())
}

impl BootstrapPlan {
    fn estimate(&self, value: Option<f64>, mut resampled: Vec<f64>) -> Estimate {
        resampled.sort_by(f64::total_cmp);
        let tail = 0.5 * (1.0 - self.confidence);
        let ends = quantile(&resampled, tail).zip(quantile(&resampled, 1.0 - tail));
        Estimate {
            value,
            interval: ends.map(|(low, high)| Interval { low, high }),
            undefined: self.resamples - resampled.len(),
        }
    }
}

/// A separate stream for each resample, so that none depends on how many came before.
pub(super) fn stream(seed: u64, resample: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(resample);
    random
}

/// An index below `count`, by multiplication. The bias is below 2⁻⁴⁰ for any practical number of
/// images.
pub(super) fn random_index(random: &mut ChaCha8Rng, count: usize) -> usize {
    let wide = u128::from(random.next_u64()) * count as u128;
    (wide >> 64) as usize
}

/// The quantile of sorted values, linear between neighbours (the default of NumPy and R); `None`
/// without values.
pub fn quantile(sorted: &[f64], level: f64) -> Option<f64> {
    let position = level * sorted.len().checked_sub(1)? as f64;
    let below = position.floor();
    let low = sorted.get(below as usize)?;
    let high = sorted.get(position.ceil() as usize)?;
    Some(low + (position - below) * (high - low))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn mean_of(values: &[f64]) -> impl Fn(&[usize]) -> Option<f64> + '_ {
        |items| Some(items.iter().map(|&item| values[item]).sum::<f64>() / items.len() as f64)
    }

    fn width(estimate: Estimate) -> f64 {
        let interval = estimate.interval.unwrap();
        interval.high - interval.low
    }

    #[test]
    fn identical_cells_of_an_image_count_once() {
        let images: Vec<usize> = (0..400).map(|cell| cell / 10).collect();
        let values: Vec<f64> = images
            .iter()
            .map(|image| f64::from(u8::from(image % 3 == 0)))
            .collect();
        let cells: Vec<usize> = (0..400).collect();
        let by = |groups| {
            let plan = BootstrapPlan::default();
            width(percentile_interval(&groups, &plan, mean_of(&values)).unwrap())
        };
        let ratio = by(Groups::of(&images)) / by(Groups::of(&cells));
        assert!(
            (2.8..3.6).contains(&ratio),
            "expected √10 times the width, found {ratio}"
        );
    }

    #[test]
    fn mean_interval_matches_normal_approximation() {
        let values: Vec<f64> = (0..400).map(f64::from).collect();
        let estimate = percentile_interval(
            &Groups::of(&(0..400).collect::<Vec<_>>()),
            &BootstrapPlan::default(),
            mean_of(&values),
        );
        let interval = estimate.unwrap().interval.unwrap();
        let half_width = 1.96 * (400.0f64 * 400.0 / 12.0).sqrt() / 20.0;
        assert!(
            (interval.low - (199.5 - half_width)).abs() < 0.1 * half_width,
            "{interval:?}"
        );
        assert!(
            (interval.high - (199.5 + half_width)).abs() < 0.1 * half_width,
            "{interval:?}"
        );
    }

    #[test]
    fn undefined_resamples_are_counted_and_skipped() {
        let groups = Groups::of(&["a", "b"]);
        let both = |items: &[usize]| (items.contains(&0) && items.contains(&1)).then_some(1.0);
        let estimate = percentile_interval(&groups, &BootstrapPlan::default(), both).unwrap();
        assert_eq!(
            estimate.interval,
            Some(Interval {
                low: 1.0,
                high: 1.0
            })
        );
        assert!(
            (400..600).contains(&estimate.undefined),
            "half of the draws of two hold one twice"
        );
        let never = percentile_interval(&groups, &BootstrapPlan::default(), |_| None).unwrap();
        assert_eq!(
            never,
            Estimate {
                value: None,
                interval: None,
                undefined: 1_000
            }
        );
    }

    #[test]
    fn invalid_resampling_is_refused() {
        let one = |groups: &Groups, plan: BootstrapPlan| {
            percentile_interval(groups, &plan, |_| Some(1.0))
        };
        let (single, two) = (Groups::of(&["a", "a"]), Groups::of(&["a", "b"]));
        let error = EvaluationError::Resampling {
            groups: 1,
            resamples: 1_000,
        };
        assert_eq!(one(&single, BootstrapPlan::default()), Err(error));
        let none = BootstrapPlan {
            resamples: 0,
            ..BootstrapPlan::default()
        };
        assert_eq!(
            one(&two, none),
            Err(EvaluationError::Resampling {
                groups: 2,
                resamples: 0
            })
        );
        let sure = BootstrapPlan {
            confidence: 1.0,
            ..BootstrapPlan::default()
        };
        assert_eq!(one(&two, sure), Err(EvaluationError::Confidence(1.0)));
    }

    #[test]
    fn quantiles_interpolate_linearly() {
        let values = [1.0, 2.0, 4.0];
        let quantiles = [0.0, 0.25, 0.5, 0.75, 1.0].map(|level| quantile(&values, level));
        assert_eq!(
            quantiles,
            [Some(1.0), Some(1.5), Some(2.0), Some(3.0), Some(4.0)]
        );
        assert_eq!(quantile(&[], 0.5), None);
    }

    proptest! {
        #[test]
        fn same_seed_gives_same_interval(
            values in prop::collection::vec(-1.0..1.0f64, 2..30), seed: u64
        ) {
            let groups = Groups::of(&(0..values.len()).collect::<Vec<_>>());
            let plan = BootstrapPlan { resamples: 50, seed, ..BootstrapPlan::default() };
            let estimate = percentile_interval(&groups, &plan, mean_of(&values)).unwrap();
            let again = percentile_interval(&groups, &plan, mean_of(&values)).unwrap();
            prop_assert_eq!(estimate, again);
            let interval = estimate.interval.unwrap();
            let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
            let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            prop_assert!(lowest - 1e-12 <= interval.low && interval.low <= interval.high);
            prop_assert!(interval.high <= highest + 1e-12);
        }
    }
}
