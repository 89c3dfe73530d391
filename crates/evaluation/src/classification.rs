//! Figures of the confusion matrix.
//!
//! F1 of 0/0 is 0, as in scikit-learn; every other 0/0 is `None`.

use serde::Serialize;

use super::predictions::Predictions;

/// Counts `[true class][predicted class]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ConfusionMatrix {
    counts: Vec<Vec<usize>>,
}

/// Figures of one class against the rest, each between 0 and 1; `None` is 0/0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ClassScores {
    /// Number of items of the class.
    pub support: usize,
    /// Share of the items predicted as the class that belong to it (positive predictive value).
    pub precision: Option<f64>,
    /// Share of the items of the class that are predicted as the class (sensitivity).
    pub recall: Option<f64>,
    /// Share of the other items that are not predicted as the class.
    pub specificity: Option<f64>,
    /// Share of the items not predicted as the class that do not belong to it.
    pub negative_predictive_value: Option<f64>,
    /// Harmonic mean of precision and recall; 0 if there is no true positive.
    pub f1: f64,
}

/// One class's share of the matrix.
#[derive(Debug, Clone, Copy)]
struct ClassTally {
    hits: usize,
    truth: usize,
    predicted: usize,
}

impl ConfusionMatrix {
    /// Counts the predictions.
    pub fn of(predictions: &Predictions) -> ConfusionMatrix {
        let classes = predictions.classes();
        let mut counts = vec![vec![0; classes]; classes];
        for (&label, &predicted) in predictions.labels().iter().zip(predictions.predicted()) {
            if let Some(count) = counts.get_mut(label).and_then(|row| row.get_mut(predicted)) {
                *count += 1;
            }
        }
        ConfusionMatrix { counts }
    }

    /// The counts, one row per true class.
    pub fn counts(&self) -> &[Vec<usize>] {
        &self.counts
    }

    /// The number of items.
    pub fn total(&self) -> usize {
        self.counts.iter().flatten().sum()
    }

    /// The number of items whose prediction is right.
    pub fn correct(&self) -> usize {
        self.tallies().map(|tally| tally.hits).sum()
    }

    /// Share of the items whose prediction is right.
    pub fn accuracy(&self) -> f64 {
        self.correct() as f64 / self.total() as f64
    }

    /// Mean recall of the classes that have items.
    pub fn balanced_accuracy(&self) -> f64 {
        mean(self.per_class().iter().filter_map(|class| class.recall))
    }

    /// The figures of each class, in order.
    pub fn per_class(&self) -> Vec<ClassScores> {
        let total = self.total();
        self.tallies().map(|tally| tally.scores(total)).collect()
    }

    /// Mean F1 of all C classes; a class that does not occur counts as 0.
    pub fn macro_f1(&self) -> f64 {
        mean(self.tallies().map(ClassTally::f1))
    }

    fn tallies(&self) -> impl Iterator<Item = ClassTally> + '_ {
        let rows = self.counts.iter().enumerate();
        rows.map(|(class, row)| ClassTally {
            hits: row.get(class).copied().unwrap_or_default(),
            truth: row.iter().sum(),
            predicted: self.counts.iter().filter_map(|row| row.get(class)).sum(),
        })
    }
}

impl ClassTally {
    fn scores(self, total: usize) -> ClassScores {
        let other_truth = total - self.truth;
        let not_predicted = total - self.predicted;
        let rightly_not = total + self.hits - self.truth - self.predicted;
        ClassScores {
            support: self.truth,
            precision: ratio(self.hits, self.predicted),
            recall: ratio(self.hits, self.truth),
            specificity: ratio(rightly_not, other_truth),
            negative_predictive_value: ratio(rightly_not, not_predicted),
            f1: self.f1(),
        }
    }

    fn f1(self) -> f64 {
        ratio(2 * self.hits, self.truth + self.predicted).unwrap_or_default()
    }
}

/// A share, or `None` for 0/0.
pub(crate) fn ratio(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The mean of one or more values.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, count), value| {
        (sum + value, count + 1)
    });
    sum / count as f64
}
