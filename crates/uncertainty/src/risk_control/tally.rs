//! Counts of a promise on labelled cells, by image and threshold.

use std::collections::BTreeMap;

use super::error::RiskError;
use super::grid::Grid;
use super::moments::Moments;
use crate::{ClassGroups, Measure, Promise, Summary};

/// A labelled cell and the parts of its answer that promises use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Number of the cell's image. Cells of the same image have the same number.
    pub image: usize,
    /// The value of the policy's measure; ignored if the cell is not eligible.
    pub uncertainty: f64,
    /// Whether the answer can be accepted: false for a cell that is out of distribution or whose
    /// measure is undefined.
    pub eligible: bool,
    /// Whether the cell is abnormal.
    pub abnormal: bool,
    /// Whether the cell is high grade.
    pub high_grade: bool,
    /// Whether the cell is called abnormal ([`Summary::called_abnormal`]).
    pub called_abnormal: bool,
    /// Whether the predicted class is the true one.
    pub right_class: bool,
}

/// Counts over cells at one threshold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Number of accepted cells.
    pub accepted: u64,
    /// Number of cells that the promise is about: the denominator of its risk.
    pub trials: u64,
    /// Number of those that break the promise: the numerator.
    pub errors: u64,
}

/// The counts of one image, one entry per threshold of the grid.
pub type ImageTally = Vec<Counts>;

/// The counts of a promise on labelled cells.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    promise: Promise,
    grid: Grid,
    cells: u64,
    images: Vec<ImageTally>,
}

impl Outcome {
    /// The outcome for a cell of class `truth`, for policies on `measure`.
    ///
    /// It agrees with [`decide`](crate::decide) on the same summary, which needs [the same abnormal
    /// classes](Summary::with_abnormal).
    pub fn of(
        image: usize,
        summary: &Summary,
        measure: Measure,
        truth: usize,
        groups: ClassGroups<'_>,
        in_distribution: bool,
    ) -> Outcome {
        let value = measure.of(summary);
        let flag = |class: usize| groups.abnormal.get(class).copied().unwrap_or(true);
        Outcome {
            image,
            uncertainty: value.unwrap_or_default(),
            eligible: in_distribution && value.is_some(),
            abnormal: flag(truth),
            high_grade: groups.high_grade.get(truth).copied().unwrap_or(false),
            called_abnormal: summary
                .called_abnormal
                .unwrap_or_else(|| flag(summary.predicted)),
            right_class: truth == summary.predicted,
        }
    }

    /// What the cell adds to the counts of a promise if it is referred, and if it is accepted.
    ///
    /// `accept_error` and `auto_clear` bound a share of the accepted cells, so a referred cell adds
    /// nothing. `missed_abnormal` and the `clear_missed` promises bound a share of all abnormal or
    /// high-grade cells: the denominator is constant, and only the errors grow with the threshold.
    pub fn counts(&self, promise: Promise) -> [Counts; 2] {
        let accepted = promise.may_accept(Some(self.called_abnormal));
        let (trial, error) = match promise {
            Promise::AcceptError => (true, !self.right_class),
            Promise::AcceptError2Classes => (true, self.abnormal != self.called_abnormal),
            Promise::MissedAbnormal => (self.abnormal, !self.called_abnormal),
            Promise::AutoClear => (accepted, self.abnormal),
            Promise::ClearMissedAbnormal => (self.abnormal, accepted),
            Promise::ClearMissedHighGrade => (self.high_grade, accepted),
        };
        let referred = Counts {
            trials: u64::from(promise.bounds_missed() && trial),
            ..Counts::default()
        };
        let accepted = Counts {
            accepted: u64::from(accepted),
            trials: u64::from(trial),
            errors: u64::from(trial && error),
        };
        [referred, accepted]
    }
}

impl Counts {
    fn add(&mut self, other: Counts) {
        self.accepted += other.accepted;
        self.trials += other.trials;
        self.errors += other.errors;
    }
}

impl Tally {
    /// Counts cells at every threshold of the grid.
    ///
    /// # Errors
    /// [`RiskError::NotFinite`] if the uncertainty of an eligible cell is NaN or infinite.
    pub fn of(promise: Promise, cells: &[Outcome], grid: &Grid) -> Result<Tally, RiskError> {
        let steps = grid.thresholds().len();
        let mut images: BTreeMap<usize, ImageTally> = BTreeMap::new();
        for (number, cell) in cells.iter().enumerate() {
            if cell.eligible && !cell.uncertainty.is_finite() {
                return Err(RiskError::NotFinite(number));
            }
            let accepting = match cell.eligible {
                true => grid.first_accepting(cell.uncertainty),
                false => steps,
            };
            let [referred, accepted] = cell.counts(promise);
            let image = images
                .entry(cell.image)
                .or_insert_with(|| vec![Counts::default(); steps]);
            for (step, counts) in image.iter_mut().enumerate() {
                counts.add(if step < accepting { referred } else { accepted });
            }
        }
        Ok(Tally {
            promise,
            grid: grid.clone(),
            cells: cells.len() as u64,
            images: images.into_values().collect(),
        })
    }

    /// The promise.
    pub fn promise(&self) -> Promise {
        self.promise
    }

    /// The grid of thresholds.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Number of cells.
    pub fn cells(&self) -> u64 {
        self.cells
    }

    /// The counts of each image, by ascending number.
    pub fn images(&self) -> &[ImageTally] {
        &self.images
    }

    /// The moments over all images, one per threshold.
    pub fn moments(&self) -> Vec<Moments> {
        Moments::over(self.grid.thresholds().len(), self.images.iter())
    }
}
