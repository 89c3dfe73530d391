//! The share of unseen cells that the out-of-distribution score flags, over many divisions of the
//! images.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    TrainingError,
    calibrate::{
        distances::{RIDGE, scores_of},
        unlike::Unlike,
    },
    parallel, random,
    session::TrainingSession,
    trunks::features::FeatureMatrix,
};
use evaluation::{bootstrap::quantile, report::SIGNIFICANT};
use uncertainty::ood::OodModel;

/// Number of divisions.
const DIVISIONS: usize = 100;

/// One of this number of parts is unseen; the other images calibrate in this number of folds.
const FOLDS: usize = 5;

/// Shares of the unseen cells with p < .05, over divisions.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FlaggedOfDivisions {
    /// Number of divisions.
    pub divisions: usize,
    /// Unseen images of each division.
    pub unseen_images: usize,
    /// With p-values in which every image counts once, as in a bundle.
    pub by_image: FlaggedShares,
    /// With p-values in which every cell counts once.
    pub by_cell: FlaggedShares,
}

/// The spread of a share.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct FlaggedShares {
    /// Mean over the divisions.
    pub mean: f64,
    /// 90th percentile over the divisions.
    pub percentile_90: f64,
}

/// Divides the images many times: four fifths fit the Gaussian and calibrate, as for a bundle, and
/// the rest is scored. `None` if training changed the layer, whose statistics then depend on the
/// cells.
///
/// # Errors
/// As [`TrainingSession::features_of`].
pub(crate) fn flagged_of_divisions(
    session: &TrainingSession,
    unlike: Option<&Unlike>,
) -> Result<Option<FlaggedOfDivisions>, TrainingError> {
    let Some(unlike) = unlike.filter(|unlike| unlike.untrained) else {
        return Ok(None);
    };
    let study = &session.study;
    let rows = study.fold_rows();
    let statistics = session.plain_features(&unlike.statistics, &study.every_row())?;
    let cells: Vec<(usize, usize)> = rows
        .iter()
        .copied()
        .zip(study.image_numbers(&rows))
        .collect();
    let images = study.image_count(&rows);
    let unseen_images = images / FOLDS;
    let numbers: Vec<usize> = (0..DIVISIONS).collect();
    let shares = parallel::map(&numbers, |number| {
        let mut stream = random::stream(study.seed, &format!("division {number}"));
        let order = random::permutation(&mut stream, images);
        flagged(&statistics, &cells, order.split_at(unseen_images))
    })?;
    let (by_image, by_cell): (Vec<f64>, Vec<f64>) = shares.into_iter().unzip();
    Ok(Some(FlaggedOfDivisions {
        divisions: DIVISIONS,
        unseen_images,
        by_image: FlaggedShares::of(by_image),
        by_cell: FlaggedShares::of(by_cell),
    }))
}

/// The shares of the unseen images' cells that are flagged, by image and by cell.
fn flagged(
    statistics: &FeatureMatrix,
    cells: &[(usize, usize)],
    (unseen, others): (&[usize], &[usize]),
) -> Result<(f64, f64), TrainingError> {
    let of_images = |images: &[usize]| {
        let images: BTreeSet<usize> = images.iter().copied().collect();
        let own = cells
            .iter()
            .filter(move |(_, image)| images.contains(image));
        own.copied().collect::<Vec<(usize, usize)>>()
    };
    let statistics_of = |cells: &[(usize, usize)]| {
        cells
            .iter()
            .map(|(row, _)| statistics.row(*row))
            .collect::<Vec<&[f32]>>()
    };
    let mut distances = Vec::new();
    for fold in 0..FOLDS {
        let (own, rest): (Vec<_>, Vec<_>) = others
            .iter()
            .enumerate()
            .partition(|(place, _)| place % FOLDS == fold);
        let images = |part: Vec<(usize, &usize)>| {
            of_images(
                &part
                    .into_iter()
                    .map(|(_, image)| *image)
                    .collect::<Vec<_>>(),
            )
        };
        let (own, rest) = (images(own), images(rest));
        let own_statistics = statistics_of(&own);
        let model = OodModel::fit(&statistics_of(&rest), &own_statistics, RIDGE)?;
        let scores = scores_of(&model, &own_statistics)?;
        distances.extend(
            scores
                .into_iter()
                .zip(own.into_iter().map(|(_, image)| image)),
        );
    }
    let known = statistics_of(&of_images(others));
    let by_image = OodModel::of_images(OodModel::fit(&known, &known, RIDGE)?.gaussian, distances);
    let by_cell = OodModel {
        calibration_weights: Vec::new(),
        ..by_image.clone()
    };
    let scores = scores_of(&by_image, &statistics_of(&of_images(unseen)))?;
    let share = |model: &OodModel| {
        let flagged = scores
            .iter()
            .filter(|score| model.p_value(**score) < SIGNIFICANT)
            .count();
        flagged as f64 / scores.len().max(1) as f64
    };
    Ok((share(&by_image), share(&by_cell)))
}

impl FlaggedShares {
    fn of(mut shares: Vec<f64>) -> Self {
        shares.sort_by(f64::total_cmp);
        Self {
            mean: shares.iter().sum::<f64>() / shares.len().max(1) as f64,
            percentile_90: quantile(&shares, 0.9).unwrap_or_default(),
        }
    }
}
