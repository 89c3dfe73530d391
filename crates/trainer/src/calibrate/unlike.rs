//! The out-of-distribution score of a model: the layer it measures, and the distribution there.

use std::collections::BTreeMap;

use serde::Serialize;

use super::distances::{FoldDistances, fold_distances, of_all_folds, with_output};
use crate::{
    TrainingError,
    data::views::Alteration,
    fit::FoldModel,
    session::TrainingSession,
    trunks::{
        file::{TrunkFile, read_model},
        statistics::{computed_alike, residual_additions},
    },
};
use bundle::onnx::ModelProto;
use evaluation::{Scored, ranking::auroc, report::SIGNIFICANT};
use uncertainty::ood::OodModel;

/// How well the statistics of one layer separate altered from original cells, out of fold.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TriedLayer {
    /// Number of the residual addition, from 1.
    pub addition: usize,
    /// Name of the tensor.
    pub tensor: String,
    /// AUROC for each alteration.
    pub auroc: BTreeMap<Alteration, f64>,
}

impl TriedLayer {
    /// The description in the manifest.
    pub(crate) fn describe(&self, statistics: usize) -> String {
        format!(
            "mean and log standard deviation over space of the {} channels after residual addition {}",
            statistics / 2,
            self.addition
        )
    }

    fn mean_auroc(&self) -> f64 {
        self.auroc.values().sum::<f64>() / self.auroc.len().max(1) as f64
    }
}

/// The out-of-distribution score of a bundle.
#[derive(Clone, Debug)]
pub(crate) struct Unlike {
    /// The trunk with its second output.
    pub trunk: TrunkFile,
    /// The statistics' output as a trunk of its own; the pretrained trunk's, if training did not
    /// change the layer.
    pub statistics: TrunkFile,
    /// The chosen layer.
    pub layer: TriedLayer,
    /// Whether training did not change the layer.
    pub untrained: bool,
    /// Every layer that was tried.
    pub tried: Vec<TriedLayer>,
    /// The distribution of the cells of all folds, and the distance of each from the other folds.
    pub model: OodModel,
    /// The distances fold by fold.
    pub folds: Vec<FoldDistances>,
}

impl Unlike {
    /// Whether each of some cells of the folds may be accepted, that is, its p-value is at least
    /// `refer_below`. `p_value` computes it from the cell's distance and the distances of all cells
    /// of its image.
    pub(crate) fn eligible(
        &self,
        rows: &[usize],
        refer_below: f64,
        p_value: impl Fn(f64, &[f64]) -> f64,
    ) -> Vec<bool> {
        let mut of_rows: BTreeMap<usize, (f64, usize)> = BTreeMap::new();
        let mut of_images: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for fold in &self.folds {
            of_rows.extend(fold.rows.iter().copied().zip(fold.by_image()));
            for (distance, image) in fold.by_image() {
                of_images.entry(image).or_default().push(distance);
            }
        }
        let of_cell = |row: &usize| {
            let Some((distance, image)) = of_rows.get(row) else {
                return true;
            };
            let of_image = of_images.get(image).map_or(&[][..], Vec::as_slice);
            p_value(*distance, of_image) >= refer_below
        };
        rows.iter().map(of_cell).collect()
    }

    /// The model by the distances of all folds but one.
    pub(crate) fn without_fold(&self, fold: usize) -> OodModel {
        let others = self.folds.iter().enumerate();
        let others = others.filter(|(other, _)| *other != fold);
        let distances = others.flat_map(|(_, of)| of.by_image());
        OodModel::of_images(self.model.gaussian.clone(), distances)
    }

    /// The share of each fold's cells whose p-value by the other folds is below [`SIGNIFICANT`]. It
    /// shows how much the share varies between images.
    pub(crate) fn flagged_of_folds(&self) -> Vec<f64> {
        let folds = self.folds.iter().enumerate();
        let flagged = folds.map(|(number, fold)| {
            let others = self.without_fold(number);
            let unusual = |score: &&f64| others.p_value(**score) < SIGNIFICANT;
            let count = fold.usual.iter().filter(unusual).count();
            count as f64 / fold.usual.len().max(1) as f64
        });
        flagged.collect()
    }
}

/// Chooses the layer whose statistics best separate original cells from cells with changed stain,
/// focus and scale (mean AUROC), and fits its distribution: a Gaussian on the cells of all folds,
/// and the distance of each cell from the other folds.
///
/// Layers that training did not change are preferred. No cell has shaped them, so the bundle's
/// trunk can measure every fold. If there are none, the `siblings`, the models of the folds, each
/// measure their own fold, with their trunk and a Gaussian on the cells that they were trained on.
/// The bundle's trunk and Gaussian will measure unseen images in the same way.
///
/// Returns `None` for a trunk without residual additions.
///
/// # Errors
/// As [`TrainingSession::features_of`].
pub(crate) fn fit_unlike(
    session: &TrainingSession,
    model: &FoldModel,
    siblings: &[FoldModel],
) -> Result<Option<Unlike>, TrainingError> {
    let served = read_model(&model.trunk.path)?;
    let pretrained = read_model(&session.study.trunk.path)?;
    let (untrained, layers) = candidates(&served, &pretrained);
    let mut best: Option<Unlike> = None;
    let mut tried = Vec::new();
    for (addition, tensor) in layers {
        let (trunk, of_model) = with_output(session, &model.trunk, &tensor)?;
        // The same numbers as those of the model, and cached for every model.
        let statistics = match untrained {
            true => with_output(session, &session.study.trunk, &tensor)?.1,
            false => of_model,
        };
        let mut folds = Vec::new();
        for sibling in siblings {
            let by = match untrained {
                true => statistics.clone(),
                false => with_output(session, &sibling.trunk, &tensor)?.1,
            };
            folds.push(fold_distances(session, &by, &sibling.held_out)?);
        }
        let layer = TriedLayer {
            addition,
            tensor,
            auroc: separations(&folds)?,
        };
        tried.push(layer.clone());
        let better = |best: &Unlike| layer.mean_auroc() > best.layer.mean_auroc();
        if best.as_ref().is_none_or(better) {
            best = Some(Unlike {
                model: of_all_folds(session, &statistics, &folds)?,
                trunk,
                statistics,
                layer,
                untrained,
                tried: Vec::new(),
                folds,
            });
        }
    }
    Ok(best.map(|best| Unlike { tried, ..best }))
}

/// The layers to try, numbered from 1, and whether training did not change them. They are among the
/// first two thirds of the trunk's additions, since the last ones depend most on the training
/// cells; unchanged layers are preferred.
fn candidates(served: &ModelProto, pretrained: &ModelProto) -> (bool, Vec<(usize, String)>) {
    let additions = residual_additions(served);
    let early = (additions.len() * 2 / 3).max(1);
    let early: Vec<(usize, String)> = (1..).zip(additions).take(early).collect();
    let left_alone = early.iter();
    let left_alone = left_alone.filter(|(_, tensor)| computed_alike(served, pretrained, tensor));
    let left_alone: Vec<(usize, String)> = left_alone.cloned().collect();
    match left_alone.is_empty() {
        true => (false, early),
        false => (true, left_alone),
    }
}

/// For each alteration, the probability that an altered cell has a larger distance than an original
/// cell, over all folds.
fn separations(folds: &[FoldDistances]) -> Result<BTreeMap<Alteration, f64>, TrainingError> {
    let usual: Vec<f64> = folds.iter().flat_map(|fold| fold.usual.clone()).collect();
    let mut auroc = BTreeMap::new();
    for alteration in Alteration::ALL {
        let altered = folds
            .iter()
            .filter_map(|fold| fold.altered.get(&alteration));
        let altered: Vec<f64> = altered.flatten().copied().collect();
        auroc.insert(alteration, separation(&usual, &altered)?);
    }
    Ok(auroc)
}

/// The probability that an unlike cell has a higher score than a usual one.
fn separation(usual: &[f64], unlike: &[f64]) -> Result<f64, TrainingError> {
    let scores: Vec<f64> = usual.iter().chain(unlike).copied().collect();
    let is_unlike: Vec<bool> = (0..scores.len())
        .map(|index| index >= usual.len())
        .collect();
    let undefined = || TrainingError::Impossible("no scores to compare".to_owned());
    auroc(&Scored::new(&scores, &is_unlike)?).ok_or_else(undefined)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uncertainty::ood::Gaussian;

    fn fold(rows: &[usize], usual: &[f64], altered: f64) -> FoldDistances {
        let shifted = usual.iter().map(|distance| distance + altered).collect();
        FoldDistances {
            rows: rows.to_vec(),
            usual: usual.to_vec(),
            images: rows.to_vec(),
            altered: Alteration::ALL
                .into_iter()
                .zip(std::iter::repeat::<Vec<f64>>(shifted))
                .collect(),
        }
    }

    fn unlike() -> Unlike {
        let folds = vec![
            fold(&[0, 3], &[1.0, 9.0], 10.0),
            fold(&[1, 2], &[2.0, 3.0], 10.0),
        ];
        let trunk = TrunkFile {
            name: String::new(),
            path: "trunk.onnx".into(),
            sha256: String::new(),
            input: String::new(),
            features: String::new(),
            dimension: 1,
            size: 1,
            normalisation: imaging::Normalisation {
                scale: 1.0,
                mean: [0.0; 3],
                std: [1.0; 3],
            },
            licence: None,
        };
        Unlike {
            statistics: trunk.clone(),
            trunk,
            layer: TriedLayer {
                addition: 1,
                tensor: String::new(),
                auroc: BTreeMap::new(),
            },
            untrained: true,
            tried: Vec::new(),
            model: OodModel::of_images(
                Gaussian {
                    mean: vec![0.0],
                    factor: vec![vec![1.0]],
                },
                [(1.0, 0), (2.0, 1), (3.0, 2), (9.0, 3)],
            ),
            folds,
        }
    }

    #[test]
    fn fold_is_compared_with_other_folds() {
        let unlike = unlike();
        let others = unlike.without_fold(0);
        assert_eq!(others.calibration_scores, [2.0, 3.0]);
        // A distance above both others has p = 1/3. Each image of the other folds counts as one.
        let by_others = |distance, _: &[f64]| others.p_value(distance);
        assert_eq!(unlike.eligible(&[3, 0], 0.5, by_others), [false, true]);
        let left_out = |distance, own: &[f64]| others.p_value_left_out(distance, own);
        assert_eq!(unlike.eligible(&[1, 2], 0.6, left_out), [true, false]);
        // With so few cells no p-value is significant.
        assert_eq!(unlike.flagged_of_folds(), [0.0, 0.0]);
    }

    #[test]
    fn altered_cells_are_separated_over_folds() {
        let separations = separations(&unlike().folds);
        let separations = separations.unwrap_or_default();
        assert_eq!(separations.len(), Alteration::ALL.len());
        assert!(
            separations.values().all(|auroc| *auroc == 1.0),
            "{separations:?}"
        );
    }
}
