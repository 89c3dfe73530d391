//! Coverage and risk of the referral policies.

use serde::Serialize;

use super::{
    PartInput, PolicyOutcome, ReportError, ReportPolicy,
    resampling::{Resampling, UNDEFINED},
};
use crate::{
    Interval,
    bootstrap::{BootstrapPlan, Estimate},
    intervals::clopper_pearson,
};

/// The results of a policy on a part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PolicyReport {
    /// The policy.
    #[serde(flatten)]
    pub policy: ReportPolicy,
    /// Cells accepted.
    pub accepted: usize,
    /// Cells that the promise is about.
    pub counted: usize,
    /// Mistakes among them.
    pub harmed: usize,
    /// Share of accepted cells.
    pub coverage: Estimate,
    /// Mistakes among the counted cells; undefined if none is counted.
    pub risk: Estimate,
    /// Clopper and Pearson's interval of the risk for independent cells. It is narrower than it
    /// should be, but exists even without mistakes.
    pub risk_exact: Option<Interval>,
}

pub(super) fn policy_report(
    outcome: &PolicyOutcome,
    part: &PartInput,
    plan: BootstrapPlan,
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
        policy: outcome.policy.clone(),
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
