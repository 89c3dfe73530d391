//! Coverage and risk of the referral policies.

use serde::Serialize;

use super::{
    Certificate, PartInput, PolicyOutcome, ReportError,
    resampling::{Resampling, UNDEFINED},
};
use crate::{
    Interval,
    bootstrap::{Estimate, Plan},
    intervals::clopper_pearson,
};

/// What a policy did on a part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PolicyReport {
    /// Name of the part.
    pub part: String,
    /// Name of the method.
    pub method: String,
    /// Name of the policy.
    pub name: String,
    /// The promise in words.
    pub promise: String,
    /// The threshold on its measure; absent: refer all.
    pub threshold: Option<f64>,
    /// The bound on the risk.
    pub alpha: f64,
    /// The probability that the promise does not hold.
    pub delta: f64,
    /// How the threshold was certified.
    pub certificate: Option<Certificate>,
    /// Where nothing can be promised: further labelled images needed.
    pub further_images: Option<usize>,
    /// Cells accepted.
    pub accepted: usize,
    /// Cells that the promise speaks of.
    pub counted: usize,
    /// How many of these are what the promise bounds.
    pub harmed: usize,
    /// Share of the cells accepted.
    pub coverage: Estimate,
    /// Harmed among the counted; undefined where none is counted.
    pub risk: Estimate,
    /// Clopper and Pearson's interval of the risk, as if cells were independent: narrower than it should be, but it says
    /// something where nothing went wrong.
    pub risk_exact: Option<Interval>,
}

pub(super) fn policy_report(
    outcome: &PolicyOutcome,
    part: &PartInput,
    plan: Plan,
) -> Result<PolicyReport, ReportError> {
    let flags =
        |of: fn(&super::PolicyCell) -> bool| outcome.cells.iter().map(of).collect::<Vec<bool>>();
    let accepted = flags(|cell| cell.accepted);
    let counted = flags(|cell| cell.counted);
    let harmed = flags(|cell| cell.counted && cell.harmed);
    let all = vec![true; outcome.cells.len()];
    let shares =
        Resampling::of_part(part, plan).shares(&[(&accepted, &all), (&harmed, &counted)])?;
    let share = |index: usize| shares.get(index).copied().unwrap_or(UNDEFINED);
    let count = |flags: &[bool]| flags.iter().filter(|flag| **flag).count();
    let (counted, harmed) = (count(&counted), count(&harmed));
    Ok(PolicyReport {
        part: outcome.part.clone(),
        method: outcome.method.clone(),
        name: outcome.name.clone(),
        promise: outcome.promise.clone(),
        threshold: outcome.threshold,
        alpha: outcome.alpha,
        delta: outcome.delta,
        certificate: outcome.certificate,
        further_images: outcome.further_images,
        accepted: count(&accepted),
        counted,
        harmed,
        risk_exact: match counted {
            0 => None,
            _ => Some(clopper_pearson(
                harmed as u64,
                counted as u64,
                plan.confidence,
            )?),
        },
        coverage: share(0),
        risk: share(1),
    })
}
