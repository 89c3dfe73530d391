//! Out-of-distribution scores of sets of pictures, by the bundle's own trunk and model.

use std::path::PathBuf;

use crate::{
    TrainingError,
    calibrate::{
        distances::{FoldDistances, matrix_rows, scores_of},
        unlike::Unlike,
    },
    data::{
        layouts::read_pictures,
        views::{Alteration, ViewPlan},
    },
    session::TrainingSession,
    trunks::{
        features::{FeatureMatrix, FeatureRequest, features},
        file::TrunkFile,
    },
    workspace::read_bytes,
};
use bundle::{Bundle, Trunk, sha256_hex};
use evaluation::report::OodSet;
use uncertainty::ood::OodModel;

/// Pictures of another kind than the training cells.
#[derive(Clone, Debug)]
pub struct PictureSet {
    /// Name of the set.
    pub name: String,
    /// The folder with the pictures.
    pub folder: PathBuf,
}

impl std::str::FromStr for PictureSet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, folder) = text
            .split_once('=')
            .ok_or("expected NAME=DIR, for example photographs=pictures/everyday")?;
        Ok(Self {
            name: name.to_owned(),
            folder: folder.into(),
        })
    }
}

/// The out-of-distribution score of a bundle.
pub(crate) struct Unlikeness<'a> {
    session: &'a TrainingSession,
    trunk: TrunkFile,
    model: &'a OodModel,
}

impl<'a> Unlikeness<'a> {
    /// The score of a bundle that has one.
    ///
    /// # Errors
    /// [`TrainingError::Read`] if the trunk is missing.
    pub(crate) fn of(
        session: &'a TrainingSession,
        bundle: &'a Bundle,
    ) -> Result<Option<Self>, TrainingError> {
        let manifest = bundle.manifest();
        let named = manifest.trunk.as_ref().zip(bundle.out_of_distribution());
        let Some((trunk, model)) = named else {
            return Ok(None);
        };
        let Some((output, count)) = Trunk::statistics(trunk) else {
            return Ok(None);
        };
        let path = bundle.path_of(&trunk.file);
        let trunk = TrunkFile {
            sha256: sha256_hex(&read_bytes(&path)?),
            path,
            input: trunk.input.clone(),
            features: output.to_owned(),
            dimension: count,
            ..session.study.trunk.clone()
        };
        Ok(Some(Self {
            session,
            trunk,
            model,
        }))
    }

    /// The p-value of each cell, in the order of `rows`.
    ///
    /// # Errors
    /// As [`TrainingSession::features_of`].
    pub(crate) fn p_values(&self, rows: &[usize]) -> Result<Vec<f64>, TrainingError> {
        let statistics = self.session.plain_features(&self.trunk, rows)?;
        Ok(self.set("", &statistics, Vec::new())?.p_values)
    }

    /// The cells of the folds, original and altered, each fold compared with the other folds; then,
    /// by the bundle's own score, the test cells, if any, and sets of other pictures.
    ///
    /// # Errors
    /// If a folder has no pictures, or as [`TrainingSession::features_of`].
    pub(crate) fn sets(
        &self,
        unlike: &Unlike,
        pictures: &[PictureSet],
    ) -> Result<Vec<OodSet>, TrainingError> {
        let study = &self.session.study;
        let mut sets = vec![self.of_folds(unlike, "cells of the folds", |fold| Some(&fold.usual))];
        for alteration in Alteration::ALL {
            let name = format!("cells of the folds, {}", alteration.name());
            sets.push(self.of_folds(unlike, &name, |fold| fold.altered.get(&alteration)));
        }
        let test = study.test_rows();
        if !test.is_empty() {
            let statistics = self.session.plain_features(&self.trunk, &test)?;
            let images = study.images(&test).into_iter().map(str::to_owned);
            sets.push(self.set("test cells", &statistics, images.collect())?);
        }
        for set in pictures {
            let cells = read_pictures(&set.folder)?;
            let request = FeatureRequest {
                crops: &set.folder,
                cells: &cells,
                input: &study.input,
                views: &ViewPlan::Dihedral { count: 1 },
            };
            let TrainingSession {
                runtime, progress, ..
            } = self.session;
            let workspace = &study.workspace;
            let statistics = features(runtime, &self.trunk, &request, workspace, progress)?;
            for view in &statistics.views {
                sets.push(self.set(&set.name, view, Vec::new())?);
            }
        }
        Ok(sets)
    }

    /// Cells of every fold, with p-values by the distances of the other folds.
    fn of_folds<'f>(
        &self,
        unlike: &'f Unlike,
        name: &str,
        of: impl Fn(&'f FoldDistances) -> Option<&'f Vec<f64>>,
    ) -> OodSet {
        let mut set = OodSet {
            name: name.to_owned(),
            scores: Vec::new(),
            p_values: Vec::new(),
            images: Vec::new(),
        };
        for (number, fold) in unlike.folds.iter().enumerate() {
            let others = unlike.without_fold(number);
            let distances = of(fold).into_iter().flatten().copied();
            for distance in distances {
                set.scores.push(distance);
                set.p_values.push(others.p_value(distance));
            }
            let images = self.session.study.images(&fold.rows);
            set.images.extend(images.into_iter().map(str::to_owned));
        }
        set
    }

    fn set(
        &self,
        name: &str,
        statistics: &FeatureMatrix,
        images: Vec<String>,
    ) -> Result<OodSet, TrainingError> {
        let scores = scores_of(self.model, &matrix_rows(statistics))?;
        let p_values = scores.iter().map(|score| self.model.p_value(*score));
        Ok(OodSet {
            name: name.to_owned(),
            p_values: p_values.collect(),
            scores,
            images,
        })
    }
}
