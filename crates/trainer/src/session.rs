//! What the steps after `crop` and `split` share: the study, the runtime and the bar of the step that runs.

use std::sync::Arc;

use engine::Runtime;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    TrainingError,
    data::views::ViewPlan,
    study::Study,
    trunks::{
        features::{FeatureMatrix, FeatureSet, features},
        file::TrunkFile,
    },
};

/// One run of the trainer on one work folder.
pub(crate) struct TrainingSession {
    /// The cells, their labels and their parts.
    pub study: Study,
    /// ONNX Runtime, which a process can load once.
    pub runtime: Arc<Runtime>,
    /// The bar of the step that runs.
    pub progress: ProgressBar,
    /// The revision of the program; a bundle says by which it was made.
    pub revision: &'static str,
}

impl TrainingSession {
    /// Empties the bar and names the step that begins; [`ProgressBar::finish_and_clear`] ends it.
    pub(crate) fn begin(&self, step: &'static str) -> &ProgressBar {
        self.progress.reset();
        self.progress.set_length(0);
        self.progress.set_message(step);
        &self.progress
    }

    /// Features of the crops of some rows as they are, one row of the matrix per crop.
    ///
    /// # Errors
    /// See [`features`].
    pub(crate) fn plain_features(
        &self,
        trunk: &TrunkFile,
        rows: &[usize],
    ) -> Result<FeatureMatrix, TrainingError> {
        let plain = ViewPlan::Dihedral { count: 1 };
        let views = self.features_of(trunk, rows, &plain)?.views;
        let none = || TrainingError::Impossible("there are no features".to_owned());
        views.into_iter().next().ok_or_else(none)
    }

    /// Features of some rows in some views, from the cache where they are there.
    ///
    /// # Errors
    /// See [`features`].
    pub(crate) fn features_of(
        &self,
        trunk: &TrunkFile,
        rows: &[usize],
        views: &ViewPlan,
    ) -> Result<FeatureSet, TrainingError> {
        let study = &self.study;
        let cells = study.cells(rows);
        let crops = study.workspace.crops();
        let request = study.request(&crops, &cells, views);
        features(
            &self.runtime,
            trunk,
            &request,
            &study.workspace,
            &self.progress,
        )
    }
}

/// A bar with a title, what is done and what is left, whose length is set by the step that moves it. It shows on stderr,
/// and nowhere where stderr is no terminal.
pub(crate) fn bar(title: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(0).with_message(title);
    let style = ProgressStyle::with_template(
        "{msg:<28} {wide_bar} {pos}/{len} {elapsed_precise} left {eta_precise}",
    );
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}
