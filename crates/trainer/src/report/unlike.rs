//! Out-of-distribution scores of whole sets, by the bundle's own trunk and model.

use std::path::PathBuf;

use crate::{
    TrainingError,
    calibrate::unlike::scores_of,
    data::{
        layouts::read_pictures,
        part::CellPart,
        views::{Alteration, ViewPlan},
    },
    session::TrainingSession,
    trunks::{
        features::{FeatureRequest, FeatureSet, features},
        file::TrunkFile,
    },
    workspace::read_bytes,
};
use bundle::{Bundle, Trunk, sha256_hex};
use evaluation::report::OodSet;
use uncertainty::ood::OodModel;

/// Pictures that are no cells of the training's kind.
#[derive(Clone, Debug)]
pub struct PictureSet {
    /// What people call it.
    pub name: String,
    /// The folder with the pictures.
    pub folder: PathBuf,
}

impl std::str::FromStr for PictureSet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, folder) = text
            .split_once('=')
            .ok_or("write NAME=DIR, such as photographs=pictures/everyday")?;
        Ok(Self {
            name: name.to_owned(),
            folder: folder.into(),
        })
    }
}

/// The scorer of a bundle.
pub(crate) struct Unlikeness<'a> {
    session: &'a TrainingSession,
    trunk: TrunkFile,
    model: &'a OodModel,
}

impl<'a> Unlikeness<'a> {
    /// The scorer of a bundle that has one.
    ///
    /// # Errors
    /// [`TrainingError::Read`] when the trunk is gone.
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
    /// See [`TrainingSession::features_of`].
    pub(crate) fn p_values(&self, rows: &[usize]) -> Result<Vec<f64>, TrainingError> {
        let plain = ViewPlan::Dihedral { count: 1 };
        Ok(self.of_cells("", rows, &plain)?.p_values)
    }

    /// The test cells, the same cells altered, and sets of other pictures.
    ///
    /// # Errors
    /// A folder without pictures; see [`TrainingSession::features_of`].
    pub(crate) fn sets(&self, pictures: &[PictureSet]) -> Result<Vec<OodSet>, TrainingError> {
        let study = &self.session.study;
        let test = study.rows_in(CellPart::Test);
        let plain = ViewPlan::Dihedral { count: 1 };
        let mut sets = vec![self.of_cells("test cells", &test, &plain)?];
        for alteration in Alteration::ALL {
            let name = format!("test cells, {}", alteration.name());
            let altered = ViewPlan::Altered {
                alterations: vec![alteration],
            };
            sets.push(self.of_cells(&name, &test, &altered)?);
        }
        for set in pictures {
            let cells = read_pictures(&set.folder)?;
            let request = FeatureRequest {
                crops: &set.folder,
                cells: &cells,
                input: &study.input,
                views: &plain,
            };
            let TrainingSession {
                runtime, progress, ..
            } = self.session;
            let workspace = &study.workspace;
            let statistics = features(runtime, &self.trunk, &request, workspace, progress)?;
            sets.push(self.set(&set.name, &statistics, Vec::new())?);
        }
        Ok(sets)
    }

    fn of_cells(
        &self,
        name: &str,
        rows: &[usize],
        views: &ViewPlan,
    ) -> Result<OodSet, TrainingError> {
        let statistics = self.session.features_of(&self.trunk, rows, views)?;
        let images = self.session.study.images(rows).into_iter();
        self.set(name, &statistics, images.map(str::to_owned).collect())
    }

    fn set(
        &self,
        name: &str,
        statistics: &FeatureSet,
        images: Vec<String>,
    ) -> Result<OodSet, TrainingError> {
        let matrix = statistics.views.iter();
        let rows: Vec<&[f32]> = matrix
            .flat_map(|view| (0..view.rows()).map(|row| view.row(row)))
            .collect();
        let scores = scores_of(self.model, &rows)?;
        let p_values = scores.iter().map(|score| self.model.p_value(*score));
        Ok(OodSet {
            name: name.to_owned(),
            p_values: p_values.collect(),
            scores,
            images,
        })
    }
}
