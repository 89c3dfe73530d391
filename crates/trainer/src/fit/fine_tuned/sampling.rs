//! The cells of an epoch, and the correction of the logits for it.
//!
//! A class that is shown w times as often as it occurs has w-fold odds. Adding ln w to its logit in
//! training absorbs that factor, so that the logits alone, which the server uses, keep the natural
//! shares (King & Zeng, "Logistic Regression in Rare Events Data", 2001).

use std::collections::BTreeSet;

use rand_chacha::rand_core::RngCore;
use serde::{Deserialize, Serialize};

use crate::random;

/// The cells of an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum CellSampling {
    /// Every abnormal cell and a random half of the normal ones.
    HalfOfNormal,
    /// As [`Self::HalfOfNormal`], but abnormal classes that occur in few fields are shown more
    /// often: as if they occurred in `fields` fields, and at most `at_most` times.
    FieldBalanced {
        /// Number of fields from which a class is shown once per epoch.
        fields: usize,
        /// Largest number of times that a class is shown per epoch.
        at_most: f64,
    },
}

/// Classes and fields of the training cells.
#[derive(Clone, Copy, Debug)]
pub struct CellLabels<'a> {
    /// The class of each cell.
    pub classes: &'a [usize],
    /// The field (image) of each cell, by name.
    pub fields: &'a [&'a str],
    /// Which classes are abnormal; its length is the number of classes.
    pub abnormal: &'a [bool],
}

/// The cells of each class, and how often each is shown per epoch.
#[derive(Clone, Debug)]
pub struct Sampler {
    cells: Vec<Vec<usize>>,
    times: Vec<f64>,
}

impl Sampler {
    /// Counts cells and fields.
    pub fn new(sampling: &CellSampling, labels: &CellLabels<'_>) -> Self {
        let classes = labels.abnormal.len();
        let of_class = |class: usize| {
            let cells = 0..labels.classes.len();
            cells.filter(move |cell| labels.classes[*cell] == class)
        };
        let fields = |class: usize| {
            of_class(class)
                .filter_map(|cell| labels.fields.get(cell))
                .collect::<BTreeSet<_>>()
                .len()
        };
        let all_alike = labels.abnormal.windows(2).all(|pair| pair[0] == pair[1]);
        let times = |class: usize| match (labels.abnormal[class], sampling) {
            _ if all_alike => 1.0,
            (false, _) => 0.5,
            (true, CellSampling::HalfOfNormal) => 1.0,
            (
                true,
                CellSampling::FieldBalanced {
                    fields: enough,
                    at_most,
                },
            ) => (*enough as f64 / fields(class).max(1) as f64).clamp(1.0, at_most.max(1.0)),
        };
        Self {
            cells: (0..classes)
                .map(|class| of_class(class).collect())
                .collect(),
            times: (0..classes).map(times).collect(),
        }
    }

    /// Cells per epoch, the same number in each.
    pub fn cells_per_epoch(&self) -> usize {
        (0..self.cells.len()).map(|class| self.shown(class)).sum()
    }

    /// The correction of each class's logit in training: ln w for a class shown w times.
    pub fn corrections(&self) -> Vec<f32> {
        let correction = |class: usize| match self.cells[class].len() {
            0 => 0.0,
            count => (self.shown(class) as f64 / count as f64).ln() as f32,
        };
        (0..self.cells.len()).map(correction).collect()
    }

    /// The cells of one epoch in random order; a cell may occur more than once.
    pub fn epoch(&self, random: &mut impl RngCore) -> Vec<usize> {
        let mut shown = Vec::with_capacity(self.cells_per_epoch());
        for (class, cells) in self.cells.iter().enumerate() {
            let mut missing = self.shown(class);
            while missing > 0 {
                let order = random::permutation(random, cells.len());
                let drawn = order.into_iter().take(missing).map(|index| cells[index]);
                shown.extend(drawn);
                missing = missing.saturating_sub(cells.len());
            }
        }
        let order = random::permutation(random, shown.len());
        order.into_iter().map(|index| shown[index]).collect()
    }

    /// Cells of a class per epoch; at least one if there are any.
    fn shown(&self, class: usize) -> usize {
        let count = self.cells[class].len();
        let shown = (count as f64 * self.times[class]).round() as usize;
        shown.max(count.min(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "a", "b", "a", "a"];
    const CLASSES: [usize; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2];

    fn sampler(sampling: &CellSampling) -> Sampler {
        let labels = CellLabels {
            classes: &CLASSES,
            fields: &FIELDS,
            abnormal: &[false, true, true],
        };
        Sampler::new(sampling, &labels)
    }

    fn shown(sampler: &Sampler, epoch: &str) -> Vec<usize> {
        sampler.epoch(&mut random::stream(1, epoch))
    }

    #[test]
    fn epoch_shows_abnormal_cells_and_half_normal() {
        let sampler = sampler(&CellSampling::HalfOfNormal);
        let (first, second) = (shown(&sampler, "0"), shown(&sampler, "1"));
        let normal = |epoch: &[usize]| -> BTreeSet<usize> {
            epoch.iter().copied().filter(|cell| *cell < 8).collect()
        };
        assert_eq!(first.len(), sampler.cells_per_epoch());
        assert!((8..12).all(|cell| first.contains(&cell) && second.contains(&cell)));
        assert_eq!((normal(&first).len(), normal(&second).len()), (4, 4));
        assert_ne!(normal(&first), normal(&second));
        assert_eq!(sampler.corrections(), [0.5_f32.ln(), 0.0, 0.0]);
    }

    #[test]
    fn rare_class_is_repeated_and_corrected() {
        let sampler = sampler(&CellSampling::FieldBalanced {
            fields: 3,
            at_most: 2.0,
        });
        let epoch = shown(&sampler, "0");
        let times = |cell: usize| epoch.iter().filter(|shown| **shown == cell).count();
        assert_eq!(
            times(8) + times(9),
            3,
            "two fields instead of three: 1.5 times"
        );
        assert_eq!(
            (times(10), times(11)),
            (2, 2),
            "one field: as often as allowed"
        );
        let expected = [0.5_f32.ln(), 1.5_f32.ln(), 2.0_f32.ln()];
        assert_eq!(sampler.corrections(), expected);
    }
}
