//! The cells that heads learn from.

use crate::{FeatureMatrix, TrainingError, error::ensure};

/// The cells to learn from.
#[derive(Clone, Copy)]
pub struct TrainingCells<'a> {
    /// Features of all cells, one matrix per view.
    pub views: &'a [FeatureMatrix],
    /// Rows of those matrices to learn from.
    pub rows: &'a [usize],
    /// Rows that only say when to stop ([`crate::Recipe::patience`]); may be empty. Take whole images from the
    /// training folds: cells of an image that is learnt from know too much, and the held-out fold, which the paper
    /// takes, evaluates afterwards.
    pub validation: &'a [usize],
    /// The class of every row of the matrices.
    pub classes: &'a [usize],
    /// Whether each of the C classes is abnormal.
    pub abnormal: &'a [bool],
}

impl TrainingCells<'_> {
    /// Refuses cells that nothing can be learnt from.
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
        ensure!(!self.rows.is_empty(), "there are no cells to learn from");
        ensure!(dimension > 0, "the cells to learn from have no features");
        ensure!(
            rows().all(has_class),
            "a cell to learn from is of none of the classes"
        );
        ensure!(
            rows().all(has_features),
            "a cell to learn from has no features, or not as many as others"
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
