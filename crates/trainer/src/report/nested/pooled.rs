//! The cells of all outer folds together, and their figures with intervals by image.

use super::{
    DEFAULT, NestedMethod, NestedPolicy, OuterFold,
    outer::{OuterMethod, OuterPolicy},
    scores::scores,
};
use crate::{
    TrainingError,
    report::{
        cell_figures::CellFigures,
        sets::{SetsByConfidence, extend},
    },
    study::Study,
};
use bundle::Method;
use evaluation::{
    bootstrap::Estimate,
    report::{PolicyCell, SIGNIFICANT},
};

/// The cells of all outer folds, fold after fold.
pub(super) struct Pooled<'a> {
    folds: &'a [OuterFold],
    /// Their figures.
    pub figures: CellFigures<'a>,
}

impl<'a> Pooled<'a> {
    pub(super) fn of(study: &'a Study, folds: &'a [OuterFold]) -> Self {
        let rows: Vec<usize> = folds.iter().flat_map(|fold| fold.rows.clone()).collect();
        Self {
            folds,
            figures: CellFigures::of(study, &rows),
        }
    }

    /// The share of cells with p < .05; `None` without an out-of-distribution score.
    pub(super) fn flagged(&self) -> Result<Option<Estimate>, TrainingError> {
        let p_values = self.folds.iter().flat_map(|fold| fold.p_values.clone());
        let p_values: Vec<f64> = p_values.collect();
        if p_values.len() != self.figures.labels.len() {
            return Ok(None);
        }
        let flagged = p_values.iter().map(|p| Some(f64::from(*p < SIGNIFICANT)));
        self.figures.mean(&flagged.collect::<Vec<_>>()).map(Some)
    }

    /// All figures of one method.
    pub(super) fn method(&self, method: Method) -> Result<NestedMethod, TrainingError> {
        let of_folds = self.folds.iter().map(|fold| fold.methods.get(&method));
        let missing =
            || TrainingError::Impossible(format!("{method} was not scored in every fold"));
        let of_folds: Vec<&OuterMethod> = of_folds.collect::<Option<_>>().ok_or_else(missing)?;
        let answering_models = of_folds.iter().map(|fold| vec![fold.answering.clone()]);
        let calibrating_models = of_folds.iter().map(|fold| fold.calibrating.clone());
        let mut sets = SetsByConfidence::new();
        for fold in &of_folds {
            extend(&mut sets, fold.sets.clone());
        }
        let [answering, calibrating] = [0, 1].map(|size| self.learnt_from(size));
        Ok(NestedMethod {
            policies: self.policies(&of_folds)?,
            sets: self.figures.sets(&sets)?,
            answering: scores(answering, &answering_models.collect::<Vec<_>>())?,
            calibrating: scores(calibrating, &calibrating_models.collect::<Vec<_>>())?,
        })
    }

    fn learnt_from(&self, size: usize) -> f64 {
        let sum: f64 = self
            .folds
            .iter()
            .filter_map(|fold| fold.learnt_from.get(size))
            .sum();
        sum / self.folds.len() as f64
    }

    fn policies(&self, of_folds: &[&OuterMethod]) -> Result<Vec<NestedPolicy>, TrainingError> {
        let by_default = |fold: &OuterMethod| fold.default.clone();
        let mut policies = vec![self.policy(DEFAULT, None, of_folds, by_default)?];
        let Some(first) = of_folds.first() else {
            return Ok(policies);
        };
        let mut named: Vec<_> = first.policies.iter().map(|of| &of.policy).collect();
        named.sort_by_key(|policy| {
            (
                policy.kind.map(|kind| kind.policy_name(1.0)),
                (policy.alpha * 1e6) as u64,
            )
        });
        for policy in named {
            let decides = |fold: &OuterMethod| {
                let own = fold
                    .policies
                    .iter()
                    .find(|own| own.policy.name == policy.name);
                own.filter(|own| own.policy.threshold.is_some())
                    .map(|own| own.policy.name.clone())
            };
            policies.push(self.policy(&policy.name, Some(policy.alpha), of_folds, decides)?);
        }
        Ok(policies)
    }

    /// The results of the policy that `decides` names in each fold; where it names none, all cells
    /// are referred.
    fn policy(
        &self,
        name: &str,
        alpha: Option<f64>,
        of_folds: &[&OuterMethod],
        decides: impl Fn(&OuterMethod) -> Option<String>,
    ) -> Result<NestedPolicy, TrainingError> {
        let certified: Vec<Option<String>> = of_folds.iter().map(|fold| decides(fold)).collect();
        let mut cells: Vec<PolicyCell> = Vec::new();
        for (fold, decided_by) in of_folds.iter().zip(&certified) {
            // If the default refers all, its promise is about the abnormal cells.
            let wanted = decided_by.as_deref().unwrap_or(name);
            let own = fold.policies.iter().find(|own| own.policy.name == wanted);
            let own = own.or(fold.policies.first());
            let own: &[PolicyCell] = own.map_or(&[], |own: &OuterPolicy| own.cells.as_slice());
            let accepts = decided_by.is_some();
            cells.extend(own.iter().map(|cell| PolicyCell {
                accepted: cell.accepted && accepts,
                harmed: cell.harmed && accepts,
                ..*cell
            }));
        }
        let share = |of: &dyn Fn(usize, &PolicyCell) -> Option<bool>| {
            let values = cells.iter().enumerate();
            let values =
                values.map(|(cell, done)| of(cell, done).map(|hit| f64::from(u8::from(hit))));
            self.figures.mean(&values.collect::<Vec<_>>())
        };
        Ok(NestedPolicy {
            name: name.to_owned(),
            alpha,
            certified,
            cases: cells.iter().filter(|cell| cell.counted).count(),
            missed: cells.iter().filter(|cell| cell.harmed).count(),
            missed_share: share(&|_, done| done.counted.then_some(done.harmed))?,
            cleared: share(&|cell, done| {
                (!self.figures.is_abnormal(cell)).then_some(done.accepted)
            })?,
            accepted: share(&|_, done| Some(done.accepted))?,
        })
    }
}
