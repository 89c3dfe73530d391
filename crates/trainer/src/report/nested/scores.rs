//! P(abnormal) by models of one training size, to show whether scores shift with more training
//! images.

use super::{NestedScores, ScoreQuantile};
use crate::TrainingError;
use evaluation::{Scored, bootstrap::quantile, ranking::auroc};

/// Levels of the quantiles over abnormal cells, in the range of screening thresholds.
const ABNORMAL_LEVELS: [f64; 5] = [0.01, 0.02, 0.05, 0.1, 0.5];
/// Levels of the quantiles over normal cells: the shares that such thresholds clear.
const NORMAL_LEVELS: [f64; 5] = [0.3, 0.5, 0.6, 0.7, 0.9];

/// P(abnormal) of each cell that a model answered, and whether the cell is abnormal.
pub(super) type ModelScores = Vec<(f64, bool)>;

/// The figures of each model's answers, by outer fold.
///
/// # Errors
/// If a score is infinite or NaN.
pub(super) fn scores(
    learnt_from: f64,
    of_folds: &[Vec<ModelScores>],
) -> Result<NestedScores, TrainingError> {
    let mut auroc_of_models = Vec::new();
    for answers in of_folds.iter().flatten() {
        let (scores, abnormal): (Vec<f64>, Vec<bool>) = answers.iter().copied().unzip();
        auroc_of_models.extend(auroc(&Scored::new(&scores, &abnormal)?));
    }
    Ok(NestedScores {
        learnt_from,
        auroc_of_models,
        abnormal: quantiles(of_folds, true, &ABNORMAL_LEVELS),
        normal: quantiles(of_folds, false, &NORMAL_LEVELS),
    })
}

fn quantiles(of_folds: &[Vec<ModelScores>], abnormal: bool, levels: &[f64]) -> Vec<ScoreQuantile> {
    let of_fold = |fold: &Vec<ModelScores>| sorted(fold.iter().flatten(), abnormal);
    let each: Vec<Vec<f64>> = of_folds.iter().map(of_fold).collect();
    let every = sorted(of_folds.iter().flatten().flatten(), abnormal);
    let at = |level: f64| {
        let of_each = each.iter().filter_map(|scores| quantile(scores, level));
        let (low, high) = of_each.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        Some(ScoreQuantile {
            level,
            value: quantile(&every, level)?,
            of_folds: [low, high],
        })
    };
    levels.iter().filter_map(|level| at(*level)).collect()
}

fn sorted<'a>(scores: impl Iterator<Item = &'a (f64, bool)>, abnormal: bool) -> Vec<f64> {
    let own = scores.filter(|(_, is_abnormal)| *is_abnormal == abnormal);
    let mut own: Vec<f64> = own.map(|(score, _)| *score).collect();
    own.sort_by(f64::total_cmp);
    own
}
