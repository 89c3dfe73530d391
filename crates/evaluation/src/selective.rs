//! Figures of answering only the most certain cells, as functions of an uncertainty (larger is less
//! certain) and of the wrong answers, as
//! [`Predictions::mispredictions`](super::Predictions::mispredictions) pairs them.
//!
//! Items of equal uncertainty count as in random order, on average, so that no figure depends on
//! the order of the input. The AUROC of misprediction is [`auroc`](super::ranking::auroc) of the
//! same pairs.

use super::error::EvaluationError;
use super::scored::{Scored, TieGroup};

/// One tie group and the counts before it.
#[derive(Debug, Clone, Copy)]
struct TieStep {
    group: TieGroup,
    items_before: usize,
    errors_before: usize,
}

/// The area under the risk–coverage curve: the mean over k of the expected risk of the k most
/// certain items, 0 to 1.
pub fn aurc(scored: &Scored) -> f64 {
    let risks = steps(scored)
        .flat_map(TieStep::places)
        .map(|(accepted, errors)| errors / accepted);
    risks.sum::<f64>() / scored.items() as f64
}

/// The smallest AURC with the same errors: every wrong answer is less certain than every right one.
pub fn aurc_of_oracle(scored: &Scored) -> f64 {
    let (items, right) = (scored.items(), scored.items() - scored.events());
    let risks = (right + 1..=items).map(|accepted| (accepted - right) as f64 / accepted as f64);
    risks.sum::<f64>() / items as f64
}

/// AURC minus that of the oracle (E-AURC with the exact oracle).
pub fn excess_aurc(scored: &Scored) -> f64 {
    aurc(scored) - aurc_of_oracle(scored)
}

/// The area under the generalised risk–coverage curve (Traub et al., 2024), by trapezoids
/// from (0, 0); 0 to ½.
pub fn augrc(scored: &Scored) -> f64 {
    let items = scored.items() as f64;
    let trapezoid = |step: TieStep| {
        step.group.items as f64 * (step.errors_before as f64 + 0.5 * step.group.events as f64)
    };
    steps(scored).map(trapezoid).sum::<f64>() / (items * items)
}

/// The expected risk of the most certain `percent` of the items for each of `percents`, in one
/// pass. The number of items is rounded up. Among items that tie at the boundary, each is equally
/// likely to be included.
///
/// # Errors
/// [`EvaluationError::Coverage`] unless every one is from 1 to 100.
pub fn risk_at_coverages(scored: &Scored, percents: &[usize]) -> Result<Vec<f64>, EvaluationError> {
    let steps: Vec<TieStep> = steps(scored).collect();
    let risk = |&percent: &usize| {
        if !(1..=100).contains(&percent) {
            return Err(EvaluationError::Coverage(percent));
        }
        // In integers, because 0.9 × 10 must not be rounded up to 10 items.
        let accepted = (percent * scored.items()).div_ceil(100);
        let last = steps.partition_point(|step| step.items_after() < accepted);
        let step = steps.get(last).ok_or(EvaluationError::Empty)?;
        Ok(step.expected_errors(accepted - step.items_before) / accepted as f64)
    };
    percents.iter().map(risk).collect()
}

fn steps(scored: &Scored) -> impl Iterator<Item = TieStep> + '_ {
    scored.tie_groups().scan((0, 0), |(items, errors), group| {
        let step = TieStep {
            group,
            items_before: *items,
            errors_before: *errors,
        };
        *items += group.items;
        *errors += group.events;
        Some(step)
    })
}

impl TieStep {
    fn items_after(self) -> usize {
        self.items_before + self.group.items
    }

    /// Expected errors among the first `items_before + taken` items if the tied ones are in random
    /// order.
    fn expected_errors(self, taken: usize) -> f64 {
        self.errors_before as f64
            + self.group.events as f64 * taken as f64 / self.group.items as f64
    }

    /// For each of the group's items: the number accepted with it, and the expected errors among
    /// them.
    fn places(self) -> impl Iterator<Item = (f64, f64)> {
        (1..=self.group.items).map(move |taken| {
            (
                (self.items_before + taken) as f64,
                self.expected_errors(taken),
            )
        })
    }
}
