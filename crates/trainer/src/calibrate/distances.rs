//! Distances of cells from other cells, in the statistics of one layer of a trunk.

use std::collections::BTreeMap;

use prost::Message;

use crate::{
    TrainingError,
    data::{
        part::HeldOutFolds,
        views::{Alteration, ViewPlan},
    },
    session::TrainingSession,
    trunks::{
        OnnxGraph,
        features::FeatureMatrix,
        file::{TrunkFile, read_model},
        statistics::{STATISTICS, with_statistics},
    },
    workspace::write_bytes,
};
use bundle::sha256_hex;
use uncertainty::ood::OodModel;

/// Added to the variances, since statistics of a layer are always correlated.
pub(crate) const RIDGE: f64 = 1e-3;

/// Distances of the cells of one fold from those of the other folds.
#[derive(Clone, Debug)]
pub(crate) struct FoldDistances {
    /// The cells, ascending.
    pub rows: Vec<usize>,
    /// The number of each cell's image among all images.
    pub images: Vec<usize>,
    /// The distance of each.
    pub usual: Vec<f64>,
    /// The distances of the same cells after alterations.
    pub altered: BTreeMap<Alteration, Vec<f64>>,
}

/// A trunk with statistics of a layer, opened once for its features and once for its statistics.
pub(super) fn with_output(
    session: &TrainingSession,
    trunk: &TrunkFile,
    tensor: &str,
) -> Result<(TrunkFile, TrunkFile), TrainingError> {
    let bytes = with_statistics(&read_model(&trunk.path)?, tensor)?.encode_to_vec();
    let sha256 = sha256_hex(&bytes);
    let folder = session.study.workspace.statistics();
    let path = folder.join(format!("{}.onnx", &sha256[..16]));
    write_bytes(&path, &bytes)?;
    let trunk = TrunkFile {
        path,
        sha256,
        ..trunk.clone()
    };
    let statistics = TrunkFile {
        features: STATISTICS.to_owned(),
        dimension: dimension(session, &trunk)?,
        ..trunk.clone()
    };
    Ok((trunk, statistics))
}

/// The number of statistics, measured with an empty image.
fn dimension(session: &TrainingSession, trunk: &TrunkFile) -> Result<usize, TrainingError> {
    let size = session.study.input.size;
    let edge = i64::from(size);
    let empty = vec![0.0; 3 * (size * size) as usize];
    let mut graph = OnnxGraph::open(&session.runtime, &trunk.path, STATISTICS)?;
    let values = graph.run(&[(&trunk.input, vec![1, 3, edge, edge], &empty)])?;
    Ok(values.len())
}

/// The distances of a fold's cells, original and altered, by a Gaussian on the cells of the other
/// folds.
pub(super) fn fold_distances(
    session: &TrainingSession,
    statistics: &TrunkFile,
    fold: &HeldOutFolds,
) -> Result<FoldDistances, TrainingError> {
    let study = &session.study;
    let every = session.plain_features(statistics, &study.every_row())?;
    let of_rows = |rows: &[usize]| rows.iter().map(|row| every.row(*row)).collect();
    let rows = study.held_out_rows(fold);
    let own: Vec<&[f32]> = of_rows(&rows);
    let others: Vec<&[f32]> = of_rows(&study.training_rows(fold));
    let model = OodModel::fit(&others, &own, RIDGE)?;
    let alterations = Alteration::ALL;
    let views = ViewPlan::Altered {
        alterations: alterations.to_vec(),
    };
    let views = session.features_of(statistics, &rows, &views)?.views;
    let mut altered = BTreeMap::new();
    for (alteration, view) in alterations.into_iter().zip(&views) {
        altered.insert(alteration, scores_of(&model, &matrix_rows(view))?);
    }
    let images = study.image_numbers(&study.every_row());
    Ok(FoldDistances {
        usual: scores_of(&model, &own)?,
        images: rows.iter().map(|row| images[*row]).collect(),
        rows,
        altered,
    })
}

/// The Gaussian of all folds' cells by the bundle's trunk, with each cell's distance from the other
/// folds.
pub(super) fn of_all_folds(
    session: &TrainingSession,
    statistics: &TrunkFile,
    folds: &[FoldDistances],
) -> Result<OodModel, TrainingError> {
    let every = session.plain_features(statistics, &session.study.every_row())?;
    let rows = session.study.fold_rows();
    let rows: Vec<&[f32]> = rows.iter().map(|row| every.row(*row)).collect();
    let gaussian = OodModel::fit(&rows, &rows, RIDGE)?.gaussian;
    Ok(OodModel::of_images(
        gaussian,
        folds.iter().flat_map(FoldDistances::by_image),
    ))
}

impl FoldDistances {
    /// The distance of each cell, with the number of its image.
    pub(super) fn by_image(&self) -> impl Iterator<Item = (f64, usize)> + '_ {
        self.usual.iter().copied().zip(self.images.iter().copied())
    }
}

/// The rows of a matrix.
pub(crate) fn matrix_rows(matrix: &FeatureMatrix) -> Vec<&[f32]> {
    (0..matrix.rows()).map(|row| matrix.row(row)).collect()
}

/// The out-of-distribution score of each row.
///
/// # Errors
/// [`TrainingError::Unlike`] if a statistic is infinite or NaN.
pub(crate) fn scores_of(model: &OodModel, rows: &[&[f32]]) -> Result<Vec<f64>, TrainingError> {
    let scores: Result<Vec<f64>, _> = rows.iter().map(|row| model.score(row)).collect();
    Ok(scores?)
}
