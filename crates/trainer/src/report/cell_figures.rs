//! Figures of answered cells, with intervals resampled by image.

use crate::{TrainingError, study::Study};
use bundle::Label;
use evaluation::bootstrap::{BootstrapPlan, Estimate, Groups, percentile_interval};

/// Some cells, with their labels and images.
pub(crate) struct CellFigures<'a> {
    /// The classes.
    pub outputs: &'a [Label],
    /// The class of each cell.
    pub labels: Vec<usize>,
    /// The image of each cell.
    pub images: Vec<&'a str>,
    groups: Groups,
    plan: BootstrapPlan,
}

impl<'a> CellFigures<'a> {
    /// For these rows, in this order.
    pub(crate) fn of(study: &'a Study, rows: &[usize]) -> Self {
        let images = study.images(rows);
        Self {
            outputs: &study.grouping.outputs,
            labels: study.labels(rows),
            groups: Groups::of(&images),
            images,
            plan: BootstrapPlan {
                seed: study.seed,
                ..BootstrapPlan::default()
            },
        }
    }

    /// The number of images.
    pub(crate) fn image_count(&self) -> usize {
        self.groups.count()
    }

    /// Whether a cell is abnormal.
    pub(crate) fn is_abnormal(&self, cell: usize) -> bool {
        let label = self
            .labels
            .get(cell)
            .and_then(|label| self.outputs.get(*label));
        label.is_none_or(|label| label.abnormal)
    }

    /// The mean over the cells that have a value.
    ///
    /// # Errors
    /// [`TrainingError::Evaluation`] for fewer than two images.
    pub(crate) fn mean(&self, values: &[Option<f64>]) -> Result<Estimate, TrainingError> {
        let mean = |cells: &[usize]| {
            let (mut sum, mut count) = (0.0, 0.0);
            for cell in cells {
                if let Some(Some(value)) = values.get(*cell) {
                    sum += value;
                    count += 1.0;
                }
            }
            (count > 0.0).then(|| sum / count)
        };
        Ok(percentile_interval(&self.groups, &self.plan, mean)?)
    }
}
