//! Scores of cells by a model that was trained without them, and such scores of several folds
//! together.

use std::collections::BTreeMap;

use super::{CellScores, ServedViews, head_scores, view_scores};
use crate::{
    TrainingError,
    data::views::ViewPlan,
    fit::{FoldModel, HEAD_METHODS},
    session::TrainingSession,
};
use bundle::Method;

/// Scores of some cells by every method, each by a model that was trained without the cell.
#[derive(Clone, Debug)]
pub(crate) struct HeldOut {
    /// The cells, ascending.
    pub rows: Vec<usize>,
    /// The scores of each method.
    pub scores: BTreeMap<Method, CellScores>,
}

impl HeldOut {
    /// Runs the trunk and every head.
    ///
    /// # Errors
    /// [`TrainingError::Missing`] if a method was not trained; also as
    /// [`TrainingSession::features_of`].
    pub(crate) fn score(
        session: &TrainingSession,
        model: &FoldModel,
        rows: Vec<usize>,
        views: &ServedViews,
    ) -> Result<Self, TrainingError> {
        let plain = session.plain_features(&model.trunk, &rows)?;
        let mut scores = BTreeMap::new();
        for method in HEAD_METHODS {
            let said = head_scores(&session.study, model, method, &plain, &rows)?;
            scores.insert(method, said);
        }
        let augmented = ViewPlan::Policy {
            policy: views.policy.clone(),
            count: views.count,
        };
        let augmented = session.features_of(&model.trunk, &rows, &augmented)?;
        let cells: Vec<usize> = (0..rows.len()).collect();
        let head = model.head(Method::Tta)?;
        scores.insert(Method::Tta, view_scores(head, &augmented.views, &cells));
        Ok(Self { rows, scores })
    }

    /// The cells of several folds together, in ascending order, so that the order of the folds does
    /// not matter.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] if a method was not scored in every fold.
    pub(crate) fn pooled<'a>(
        folds: impl IntoIterator<Item = &'a Self>,
    ) -> Result<Self, TrainingError> {
        let folds: Vec<&Self> = folds.into_iter().collect();
        let mut order: Vec<(usize, usize, usize)> = Vec::new();
        for (fold, held_out) in folds.iter().enumerate() {
            let rows = held_out.rows.iter().enumerate();
            order.extend(rows.map(|(cell, row)| (*row, fold, cell)));
        }
        order.sort_unstable();
        let mut scores = BTreeMap::new();
        for (method, first) in folds.first().iter().flat_map(|fold| &fold.scores) {
            let mut of_folds: Vec<Vec<&[f32]>> = Vec::new();
            for fold in &folds {
                of_folds.push(fold.scores_of(*method)?.cells().collect());
            }
            let values = order
                .iter()
                .flat_map(|(_, fold, cell)| of_folds[*fold][*cell]);
            let together = CellScores {
                values: values.copied().collect(),
                ..*first
            };
            scores.insert(*method, together);
        }
        Ok(Self {
            rows: order.into_iter().map(|(row, ..)| row).collect(),
            scores,
        })
    }

    /// [`Self::pooled`] of all folds but one.
    ///
    /// # Errors
    /// As [`Self::pooled`].
    pub(crate) fn without(folds: &[Self], fold: usize) -> Result<Self, TrainingError> {
        let others = folds.iter().enumerate();
        Self::pooled(others.filter(|(other, _)| *other != fold).map(|(_, of)| of))
    }

    /// The scores of a method.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] if the method has none.
    pub(crate) fn scores_of(&self, method: Method) -> Result<&CellScores, TrainingError> {
        let missing = || {
            TrainingError::Impossible(format!(
                "{method} was not scored in every fold: run `secondlook-train train` (or \
                 `finetune`) for all folds again"
            ))
        };
        self.scores.get(&method).ok_or_else(missing)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn held_out(rows: &[usize]) -> HeldOut {
        let value = |row: &usize| [*row as f32, -(*row as f32)];
        let scores = CellScores {
            passes: 1,
            classes: 2,
            values: rows.iter().flat_map(value).collect(),
        };
        HeldOut {
            rows: rows.to_vec(),
            scores: BTreeMap::from([(Method::Baseline, scores)]),
        }
    }

    #[test]
    fn pooled_folds_are_in_row_order() {
        let folds = [held_out(&[1, 4]), held_out(&[0, 5]), held_out(&[2, 3])];
        let every = held_out(&[0, 1, 2, 3, 4, 5]);
        let others = held_out(&[1, 2, 3, 4]);
        for (pooled, expected) in [
            (HeldOut::pooled(&folds), &every),
            (HeldOut::pooled(folds.iter().rev()), &every),
            (HeldOut::without(&folds, 1), &others),
        ] {
            let pooled = pooled.unwrap();
            assert_eq!(pooled.rows, expected.rows);
            assert_eq!(pooled.scores, expected.scores);
        }
    }

    #[test]
    fn method_missing_in_a_fold_is_refused() {
        let nothing = HeldOut {
            rows: vec![7],
            scores: BTreeMap::new(),
        };
        let error = HeldOut::pooled([&held_out(&[1]), &nothing]).unwrap_err();
        assert!(error.to_string().contains("was not scored in every fold"));
    }
}
