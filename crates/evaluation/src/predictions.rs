//! The predictions and the true class of each item.

use super::error::EvaluationError;
use super::scored::Scored;
use uncertainty::{SamplesError, argmax, check_lengths, check_rows};

/// Probabilities `[N, C]` and the true class of each of N ≥ 1 items, validated.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    probabilities: Vec<f64>,
    classes: usize,
    labels: Vec<usize>,
    predicted: Vec<usize>,
}

impl Predictions {
    /// Takes one vector of probabilities and one true class per item.
    ///
    /// # Errors
    /// [`EvaluationError`] `Probabilities`, `Length` or `LabelOutOfRange`.
    pub fn from_rows(
        rows: &[Vec<f64>],
        labels: Vec<usize>,
    ) -> Result<Predictions, EvaluationError> {
        let classes = rows.first().ok_or(SamplesError::Empty)?.len();
        check_lengths(rows, classes)?;
        let probabilities = rows.concat();
        check_rows(&probabilities, classes)?;
        if labels.len() != rows.len() {
            return Err(EvaluationError::Length {
                what: "labels",
                found: labels.len(),
                expected: rows.len(),
            });
        }
        check_classes(&labels, classes)?;
        Ok(Predictions::of_checked(probabilities, classes, labels))
    }

    fn of_checked(probabilities: Vec<f64>, classes: usize, labels: Vec<usize>) -> Predictions {
        let predicted = probabilities.chunks_exact(classes).map(argmax).collect();
        Predictions {
            probabilities,
            classes,
            labels,
            predicted,
        }
    }

    /// N, the number of items.
    pub fn items(&self) -> usize {
        self.labels.len()
    }

    /// C, the number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The probabilities item by item, C values each.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.probabilities.chunks_exact(self.classes)
    }

    /// The true class of each item.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// The class of the largest probability of each item; the lowest index if several are equal.
    pub fn predicted(&self) -> &[usize] {
        &self.predicted
    }

    /// Whether each item's predicted class is its true class.
    pub fn correct(&self) -> impl ExactSizeIterator<Item = bool> + '_ {
        self.labels
            .iter()
            .zip(&self.predicted)
            .map(|(label, predicted)| label == predicted)
    }

    /// The same predictions with two classes, 1 = one of `positive_classes` and 0 = any other, by
    /// summing probabilities.
    ///
    /// # Errors
    /// [`EvaluationError::LabelOutOfRange`] if a positive class is not one of the C classes.
    pub fn binary(&self, positive_classes: &[usize]) -> Result<Predictions, EvaluationError> {
        check_classes(positive_classes, self.classes)?;
        let probabilities = self
            .rows()
            .flat_map(|row| sums_of_rest_and_positive(row, positive_classes))
            .collect();
        let labels = self
            .labels
            .iter()
            .map(|label| usize::from(positive_classes.contains(label)))
            .collect();
        Ok(Predictions::of_checked(probabilities, 2, labels))
    }

    /// Each item's probability of `class`, and whether the item is of that class (all scores are 0
    /// if `class` ≥ C).
    pub fn against_rest(&self, class: usize) -> Scored {
        let scores = self
            .rows()
            .map(|row| row.get(class).copied().unwrap_or_default());
        Scored::of_checked(scores.zip(self.labels.iter().map(|&label| label == class)))
    }

    /// Each item's largest probability, and whether its prediction is right.
    pub fn confidences(&self) -> Scored {
        let scores = self
            .rows()
            .map(|row| row.iter().copied().fold(0.0, f64::max));
        Scored::of_checked(scores.zip(self.correct()))
    }

    /// Each item's uncertainty (N values, larger is less certain), and whether its prediction is
    /// wrong.
    ///
    /// # Errors
    /// [`EvaluationError`] `Length` or `NotFinite`.
    pub fn mispredictions(&self, uncertainty: &[f64]) -> Result<Scored, EvaluationError> {
        let wrong: Vec<bool> = self.correct().map(|correct| !correct).collect();
        Scored::new(uncertainty, &wrong)
    }

    /// The items at the given indices, with repetitions: one resample of a bootstrap. Indices ≥ N
    /// are left out; `None` means that none is left.
    pub fn resampled(&self, items: &[usize]) -> Option<Predictions> {
        let labels: Vec<usize> = items
            .iter()
            .filter_map(|&item| self.labels.get(item).copied())
            .collect();
        if labels.is_empty() {
            return None;
        }
        let known = items
            .iter()
            .filter(|&&item| item < self.items())
            .map(|item| item * self.classes);
        let rows = known.filter_map(|start| self.probabilities.get(start..start + self.classes));
        let probabilities = rows.flatten().copied().collect();
        Some(Predictions::of_checked(probabilities, self.classes, labels))
    }
}

pub(super) fn check_classes(indices: &[usize], classes: usize) -> Result<(), EvaluationError> {
    match indices.iter().find(|&&label| label >= classes) {
        Some(&label) => Err(EvaluationError::LabelOutOfRange { label, classes }),
        None => Ok(()),
    }
}

fn sums_of_rest_and_positive(row: &[f64], positive_classes: &[usize]) -> [f64; 2] {
    let mut sums = [0.0; 2];
    for (class, p) in row.iter().enumerate() {
        let [rest, positive] = &mut sums;
        let sum = match positive_classes.contains(&class) {
            true => positive,
            false => rest,
        };
        *sum += p;
    }
    sums.map(|sum| sum.min(1.0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn three_items() -> Predictions {
        let rows = [
            vec![0.5, 0.25, 0.25],
            vec![0.125, 0.75, 0.125],
            vec![0.0, 0.0, 1.0],
        ];
        Predictions::from_rows(&rows, vec![0, 2, 1]).unwrap()
    }

    #[test]
    fn binary_question_sums_classes() {
        let binary = three_items().binary(&[1, 2]).unwrap();
        let expected = [vec![0.5, 0.5], vec![0.125, 0.875], vec![0.0, 1.0]];
        assert_eq!(
            binary,
            Predictions::from_rows(&expected, vec![0, 1, 1]).unwrap()
        );
        let error = three_items().binary(&[3]);
        assert_eq!(
            error,
            Err(EvaluationError::LabelOutOfRange {
                label: 3,
                classes: 3
            })
        );
    }

    #[test]
    fn resample_repeats_items_or_is_empty() {
        let resampled = three_items().resampled(&[2, 0, 2]).unwrap();
        assert_eq!(
            (resampled.labels(), resampled.predicted()),
            (&[1, 0, 1][..], &[2, 0, 2][..])
        );
        assert_eq!(three_items().resampled(&[9]), None);
    }
}
