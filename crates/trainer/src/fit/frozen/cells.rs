//! The cells that heads are trained on.

use crate::{FeatureMatrix, TrainingError, error::ensure};

/// The training cells.
#[derive(Clone, Copy)]
pub struct TrainingCells<'a> {
    /// Features of all cells, one matrix per view.
    pub views: &'a [FeatureMatrix],
    /// Rows of those matrices to train on.
    pub rows: &'a [usize],
    /// Rows that only decide when to stop ([`crate::Recipe::patience`]); may be empty. Take whole
    /// images from the training folds, since other cells of a training image are too similar. The
    /// paper takes the held-out fold, which here only evaluates.
    pub validation: &'a [usize],
    /// The class of every row of the matrices.
    pub classes: &'a [usize],
    /// Whether each of the C classes is abnormal.
    pub abnormal: &'a [bool],
}

impl TrainingCells<'_> {
    /// Refuses cells that nothing can be trained on.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`].
    pub fn check(&self) -> Result<(), TrainingError> {
        let dimension = self.dimension();
        let rows = || self.rows.iter().chain(self.validation);
        let has_class = |row: &usize| matches!(self.classes.get(*row), Some(class) if *class < self.class_count());
        let has_features = |row: &usize| {
            let enough = |view: &FeatureMatrix| {
                view.dimension == dimension && view.values.len() >= (row + 1) * dimension
            };
            self.views.iter().all(enough)
        };
        ensure!(!self.rows.is_empty(), "no cells to train on");
        ensure!(dimension > 0, "the training cells have no features");
        ensure!(
            rows().all(has_class),
            "the class of a training cell is not from 0 to {}: run `crop` and `split` again",
            self.class_count().saturating_sub(1)
        );
        ensure!(
            rows().all(has_features),
            "a training cell does not have {dimension} features: run the command again with a new \
             --work folder"
        );
        Ok(())
    }

    /// C, the number of classes.
    pub fn class_count(&self) -> usize {
        self.abnormal.len()
    }

    /// D, the number of features.
    pub fn dimension(&self) -> usize {
        self.views.first().map_or(0, |view| view.dimension)
    }
}
