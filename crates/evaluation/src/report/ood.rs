//! How well the out-of-distribution score separates other images from known cells.

use serde::Serialize;

use super::{
    OodSet, ReportError,
    resampling::{Resampling, UNDEFINED, bin_of},
};
use crate::{
    Scored,
    bootstrap::{BootstrapPlan, Estimate},
    ranking::auroc,
};

/// A p-value below this flags an image.
pub const SIGNIFICANT: f64 = 0.05;
/// Bins of the histograms.
const BINS: usize = 30;

/// One set, compared with the reference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OodReport {
    /// Its name.
    pub name: String,
    /// The number of images or cells.
    pub items: usize,
    /// Probability that an item of the set scores higher than one of the reference; `None` for the
    /// reference itself.
    pub auroc: Option<Estimate>,
    /// Share with a p-value below 0.05: about 5% of the reference, most of the others.
    pub flagged: Estimate,
    /// Whether the histogram is over the decimal logarithm of the score.
    pub logarithmic: bool,
    /// Lower edge of the first bin, the same for all sets.
    pub low: f64,
    /// Upper edge of the last bin, the same for all sets.
    pub high: f64,
    /// The share of the set in each bin of equal width.
    pub shares: Vec<Estimate>,
    /// The share of the set in each of ten ranges of the p-value; empty without p-values.
    pub p_value_shares: Vec<Estimate>,
}

pub(super) fn ood_reports(
    sets: &[OodSet],
    plan: BootstrapPlan,
) -> Result<Vec<OodReport>, ReportError> {
    let Some(reference) = sets.first() else {
        return Ok(Vec::new());
    };
    let scale = ScoreScale::over(sets);
    let report = |(index, set): (usize, &OodSet)| {
        let own = Resampling::of_names(&image_names(set, ""), plan);
        let all = vec![true; set.scores.len()];
        let bins: Vec<usize> = set.scores.iter().map(|score| scale.bin(*score)).collect();
        Ok(OodReport {
            name: set.name.clone(),
            items: set.scores.len(),
            auroc: match index {
                0 => None,
                _ => Some(separation(reference, set, plan)?),
            },
            flagged: flagged(set, &own)?,
            logarithmic: scale.logarithmic,
            low: scale.low,
            high: scale.high,
            shares: own.bin_shares(&bins, &all, BINS)?,
            p_value_shares: p_value_shares(set, &own)?,
        })
    };
    sets.iter().enumerate().map(report).collect()
}

fn separation(
    reference: &OodSet,
    set: &OodSet,
    plan: BootstrapPlan,
) -> Result<Estimate, ReportError> {
    let scores = [reference.scores.as_slice(), set.scores.as_slice()].concat();
    let of_set = |item| item >= reference.scores.len();
    let events: Vec<bool> = (0..scores.len()).map(of_set).collect();
    let scored = Scored::new(&scores, &events)?;
    let mut names = image_names(reference, "reference ");
    names.extend(image_names(set, "set "));
    let estimates = Resampling::of_names(&names, plan)
        .estimates(|items| vec![scored.resampled(items).and_then(|scored| auroc(&scored))])?;
    Ok(estimates.into_iter().next().unwrap_or(UNDEFINED))
}

fn flagged(set: &OodSet, resampling: &Resampling) -> Result<Estimate, ReportError> {
    let flags: Vec<bool> = set.p_values.iter().map(|p| *p < SIGNIFICANT).collect();
    let known = vec![!flags.is_empty(); set.scores.len()];
    let shares = resampling.shares(&[(&flags, &known)])?;
    Ok(shares.into_iter().next().unwrap_or(UNDEFINED))
}

fn p_value_shares(set: &OodSet, resampling: &Resampling) -> Result<Vec<Estimate>, ReportError> {
    if set.p_values.is_empty() {
        return Ok(Vec::new());
    }
    let bins = set.p_values.iter().map(|p| bin_of(*p, (0.0, 1.0), 10));
    let bins: Vec<usize> = bins.collect();
    resampling.bin_shares(&bins, &vec![true; bins.len()], 10)
}

/// The image of each item; an item without one is its own image.
fn image_names(set: &OodSet, prefix: &str) -> Vec<String> {
    let name = |of: &dyn std::fmt::Display| format!("{prefix}{of}");
    match set.images.is_empty() {
        true => (0..set.scores.len()).map(|item| name(&item)).collect(),
        false => set.images.iter().map(|image| name(image)).collect(),
    }
}

/// The range of the bins of all sets.
struct ScoreScale {
    logarithmic: bool,
    low: f64,
    high: f64,
}

impl ScoreScale {
    /// Logarithmic if all scores are positive and span more than a factor of ten.
    fn over(sets: &[OodSet]) -> ScoreScale {
        let scores = || sets.iter().flat_map(|set| set.scores.iter().copied());
        let (low, high) = (
            scores().fold(f64::INFINITY, f64::min),
            scores().fold(f64::NEG_INFINITY, f64::max),
        );
        let logarithmic = low > 0.0 && high > 10.0 * low;
        let (low, high) = match logarithmic {
            true => (low.log10(), high.log10()),
            false => (low, high),
        };
        ScoreScale {
            logarithmic,
            low,
            high: if high > low { high } else { low + 1.0 },
        }
    }

    fn bin(&self, score: f64) -> usize {
        let value = match self.logarithmic {
            true => score.log10(),
            false => score,
        };
        bin_of(value, (self.low, self.high), BINS)
    }
}
