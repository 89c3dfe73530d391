//! The out-of-distribution score of a model: which layer it looks at, and what is usual there.

use std::collections::BTreeMap;

use prost::Message;
use serde::Serialize;

use crate::{
    TrainingError,
    data::views::{Alteration, ViewPlan},
    fit::FoldModel,
    session::TrainingSession,
    trunks::{
        OnnxGraph,
        features::FeatureMatrix,
        file::{TrunkFile, read_model},
        statistics::{STATISTICS, computed_alike, residual_additions, with_statistics},
    },
    workspace::write_bytes,
};
use bundle::{onnx::ModelProto, sha256_hex};
use evaluation::{Scored, ranking::auroc, report::SIGNIFICANT};
use uncertainty::ood::OodModel;

/// Added to the variances: statistics of a layer are never independent of each other.
const RIDGE: f64 = 1e-3;

/// How well the statistics of one layer tell altered calibration cells from the same cells as they are.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TriedLayer {
    /// Output of the residual addition, numbered from 1.
    pub addition: usize,
    /// Name of the tensor.
    pub tensor: String,
    /// AUROC for each alteration.
    pub auroc: BTreeMap<Alteration, f64>,
}

impl TriedLayer {
    /// What a reader of the manifest is told.
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

/// The score that a bundle serves.
#[derive(Clone, Debug)]
pub(crate) struct Unlike {
    /// The trunk with its second output.
    pub trunk: TrunkFile,
    /// The statistics' output, as a trunk of its own.
    pub statistics: TrunkFile,
    /// The layer that was chosen.
    pub layer: TriedLayer,
    /// Every layer that was tried.
    pub tried: Vec<TriedLayer>,
    /// What is usual.
    pub model: OodModel,
    /// The calibration cells' scores, in the order of the cells.
    pub of_calibration: Vec<f64>,
    /// Where all folds say what is usual, the share of each fold's cells whose p-value by the other folds is below
    /// [`SIGNIFICANT`]: how far it strays from there between images.
    pub flagged_of_folds: Vec<f64>,
}

/// Chooses the layer whose statistics best tell calibration cells from the same cells with changed stain, focus and scale
/// (mean AUROC), and fits what is usual there: a Gaussian on the training cells, the distances of the calibration cells.
/// Where the layer was not trained on any cell, all folds say what is usual, each by its distances to the others: several
/// times the images.
///
/// `None` for a trunk without residual additions.
///
/// # Errors
/// See [`TrainingSession::features_of`].
pub(crate) fn fit_unlike(
    session: &TrainingSession,
    model: &FoldModel,
) -> Result<Option<Unlike>, TrainingError> {
    let original = read_model(&model.trunk.path)?;
    let study = &session.study;
    let fitting = Fitting {
        session,
        training: study.training_rows(&model.held_out),
        calibration: study.held_out_rows(&model.held_out),
    };
    let additions = residual_additions(&original);
    let mut best: Option<Unlike> = None;
    let mut tried = Vec::new();
    for (index, tensor) in candidates(&additions) {
        let (trunk, statistics) = fitting.trunks(model, &original, tensor)?;
        let fitted = fitting.fit(&statistics)?;
        let layer = TriedLayer {
            addition: index + 1,
            tensor: tensor.clone(),
            auroc: fitted.auroc,
        };
        tried.push(layer.clone());
        if best
            .as_ref()
            .is_none_or(|best| layer.mean_auroc() > best.layer.mean_auroc())
        {
            best = Some(Unlike {
                trunk,
                statistics,
                layer,
                tried: Vec::new(),
                model: fitted.model,
                of_calibration: fitted.of_calibration,
                flagged_of_folds: Vec::new(),
            });
        }
    }
    let Some(best) = best else {
        return Ok(None);
    };
    let pretrained = read_model(&study.trunk.path)?;
    let best = match computed_alike(&original, &pretrained, &best.layer.tensor) {
        true => fitting.across_folds(best)?,
        false => best,
    };
    Ok(Some(Unlike { tried, ..best }))
}

/// The first two thirds of the trunk's additions: the last ones see what training has made of the cells.
fn candidates(additions: &[String]) -> impl Iterator<Item = (usize, &String)> {
    let last = additions.len() * 2 / 3;
    additions.iter().enumerate().take(last.max(1))
}

/// What was found at one layer.
struct Fitted {
    model: OodModel,
    of_calibration: Vec<f64>,
    auroc: BTreeMap<Alteration, f64>,
}

struct Fitting<'a> {
    session: &'a TrainingSession,
    training: Vec<usize>,
    calibration: Vec<usize>,
}

impl Fitting<'_> {
    /// The trunk with statistics of a layer: for its features, and for its statistics.
    fn trunks(
        &self,
        model: &FoldModel,
        original: &ModelProto,
        tensor: &str,
    ) -> Result<(TrunkFile, TrunkFile), TrainingError> {
        let bytes = with_statistics(original, tensor)?.encode_to_vec();
        let sha256 = sha256_hex(&bytes);
        let folder = self.session.study.workspace.statistics();
        let path = folder.join(format!("{}.onnx", &sha256[..16]));
        write_bytes(&path, &bytes)?;
        let trunk = TrunkFile {
            path,
            sha256,
            ..model.trunk.clone()
        };
        let statistics = TrunkFile {
            features: STATISTICS.to_owned(),
            dimension: self.dimension(&trunk)?,
            ..trunk.clone()
        };
        Ok((trunk, statistics))
    }

    /// How many statistics there are, asked of the graph with an empty image.
    fn dimension(&self, trunk: &TrunkFile) -> Result<usize, TrainingError> {
        let size = self.session.study.input.size;
        let edge = i64::from(size);
        let empty = vec![0.0; 3 * (size * size) as usize];
        let mut graph = OnnxGraph::open(&self.session.runtime, &trunk.path, STATISTICS)?;
        let values = graph.run(&[(&trunk.input, vec![1, 3, edge, edge], &empty)])?;
        Ok(values.len())
    }

    fn fit(&self, trunk: &TrunkFile) -> Result<Fitted, TrainingError> {
        let plain = ViewPlan::Dihedral { count: 1 };
        let training = self.statistics(trunk, &self.training, &plain)?;
        let calibration = self.statistics(trunk, &self.calibration, &plain)?;
        let altered = ViewPlan::Altered {
            alterations: Alteration::ALL.to_vec(),
        };
        let altered = self.statistics(trunk, &self.calibration, &altered)?;
        let (training, usual) = (rows(&training), rows(&calibration));
        let model = OodModel::fit(&training, &usual, RIDGE)?;
        let of_calibration = scores_of(&model, &usual)?;
        let mut auroc = BTreeMap::new();
        for (alteration, view) in Alteration::ALL.into_iter().zip(&altered) {
            let unlike = scores_of(&model, &matrix_rows(view))?;
            auroc.insert(alteration, separation(&of_calibration, &unlike)?);
        }
        Ok(Fitted {
            model,
            of_calibration,
            auroc,
        })
    }

    /// What is usual by the cells of every fold, each scored by the other folds.
    fn across_folds(&self, unlike: Unlike) -> Result<Unlike, TrainingError> {
        let plain = ViewPlan::Dihedral { count: 1 };
        let study = &self.session.study;
        let folds = study.each_fold();
        let of_folds: Vec<Vec<usize>> =
            folds.iter().map(|fold| study.held_out_rows(fold)).collect();
        let statistics: Result<Vec<_>, _> = of_folds
            .iter()
            .map(|rows| self.statistics(&unlike.statistics, rows, &plain))
            .collect();
        let statistics = statistics?;
        let parts: Vec<Vec<&[f32]>> = statistics.iter().map(|views| rows(views)).collect();
        let (model, scores) = OodModel::fit_across(&parts, RIDGE)?;
        let of_cells: BTreeMap<usize, f64> =
            of_folds.concat().into_iter().zip(scores.concat()).collect();
        let of_calibration = self.calibration.iter().filter_map(|row| of_cells.get(row));
        Ok(Unlike {
            flagged_of_folds: flagged(&model, &scores),
            model,
            of_calibration: of_calibration.copied().collect(),
            ..unlike
        })
    }

    fn statistics(
        &self,
        trunk: &TrunkFile,
        rows: &[usize],
        views: &ViewPlan,
    ) -> Result<Vec<FeatureMatrix>, TrainingError> {
        Ok(self.session.features_of(trunk, rows, views)?.views)
    }
}

/// The share of each part's scores with a p-value below [`SIGNIFICANT`], by the scores of the other parts.
fn flagged(model: &OodModel, parts: &[Vec<f64>]) -> Vec<f64> {
    let of_part = |number: usize| {
        let others = parts
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != number);
        let mut scores: Vec<f64> = others.flat_map(|(_, scores)| scores.clone()).collect();
        scores.sort_by(f64::total_cmp);
        let by_others = OodModel {
            calibration_scores: scores,
            gaussian: model.gaussian.clone(),
        };
        let unusual = |score: &&f64| by_others.p_value(**score) < SIGNIFICANT;
        let count = parts[number].iter().filter(unusual).count();
        count as f64 / parts[number].len().max(1) as f64
    };
    (0..parts.len()).map(of_part).collect()
}

fn rows(views: &[FeatureMatrix]) -> Vec<&[f32]> {
    views.first().map(matrix_rows).unwrap_or_default()
}

fn matrix_rows(matrix: &FeatureMatrix) -> Vec<&[f32]> {
    (0..matrix.rows()).map(|row| matrix.row(row)).collect()
}

/// How unlike each row is.
///
/// # Errors
/// [`TrainingError::Unlike`] when a statistic is not finite.
pub(crate) fn scores_of(model: &OodModel, rows: &[&[f32]]) -> Result<Vec<f64>, TrainingError> {
    let scores: Result<Vec<f64>, _> = rows.iter().map(|row| model.score(row)).collect();
    Ok(scores?)
}

/// Probability that an unlike cell has a higher score than a usual one.
///
/// # Errors
/// [`TrainingError::Evaluation`] when there are no scores.
pub(crate) fn separation(usual: &[f64], unlike: &[f64]) -> Result<f64, TrainingError> {
    let scores: Vec<f64> = usual.iter().chain(unlike).copied().collect();
    let is_unlike: Vec<bool> = (0..scores.len())
        .map(|index| index >= usual.len())
        .collect();
    let undefined = || TrainingError::Impossible("there are no scores to compare".to_owned());
    auroc(&Scored::new(&scores, &is_unlike)?).ok_or_else(undefined)
}
