//! The study, the runtime and the progress bar that the steps after `crop` and `split` share.

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
    /// ONNX Runtime; a process can load it only once.
    pub runtime: Arc<Runtime>,
    /// The progress bar of the current step.
    pub progress: ProgressBar,
    /// The program's revision, which goes into each bundle.
    pub revision: &'static str,
}

impl TrainingSession {
    /// Resets the bar and names the step that begins. [`ProgressBar::finish_and_clear`] ends it.
    pub(crate) fn begin(&self, step: &'static str) -> &ProgressBar {
        self.progress.reset();
        self.progress.set_length(0);
        self.progress.set_message(step);
        &self.progress
    }

    /// Features of unaltered crops, one row of the matrix per crop.
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
        let none = || {
            TrainingError::Impossible("no features were computed: run the step again".to_owned())
        };
        views.into_iter().next().ok_or_else(none)
    }

    /// Features of some rows in some views, from the cache where it has them.
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

/// A progress bar with a title, the count and the time left; the step sets its length. It shows on
/// stderr if stderr is a terminal.
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
