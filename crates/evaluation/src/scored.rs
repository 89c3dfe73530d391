//! One score and one yes-or-no outcome per item, sorted by score.

use super::error::EvaluationError;

/// Scores with outcomes, sorted once, so that every ranking figure is one pass over its ties.
///
/// The outcome ("event") depends on the score: a wrong answer for an uncertainty, the class itself
/// for a probability, a right answer for a confidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    ascending: Vec<ScoredItem>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct ScoredItem {
    score: f64,
    event: bool,
    item: usize,
}

/// All items with one score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TieGroup {
    /// The score they share.
    pub score: f64,
    /// Number of items, at least 1.
    pub items: usize,
    /// Number of events among them.
    pub events: usize,
}

impl Scored {
    /// Takes one finite score and one outcome per item, at least one of each.
    ///
    /// # Errors
    /// [`EvaluationError`] `Length`, `Empty` or `NotFinite`.
    pub fn new(scores: &[f64], events: &[bool]) -> Result<Scored, EvaluationError> {
        if scores.len() != events.len() {
            return Err(EvaluationError::Length {
                what: "scores",
                found: scores.len(),
                expected: events.len(),
            });
        }
        if scores.is_empty() {
            return Err(EvaluationError::Empty);
        }
        if let Some(item) = scores.iter().position(|score| !score.is_finite()) {
            return Err(EvaluationError::NotFinite { item });
        }
        Ok(Scored::of_checked(
            scores.iter().copied().zip(events.iter().copied()),
        ))
    }

    pub(super) fn of_checked(pairs: impl Iterator<Item = (f64, bool)>) -> Scored {
        let numbered =
            pairs
                .enumerate()
                .map(|(item, (score, event))| ScoredItem { score, event, item });
        let mut ascending: Vec<ScoredItem> = numbered.collect();
        ascending.sort_by(|left, right| left.score.total_cmp(&right.score));
        Scored { ascending }
    }

    /// The number of items, at least 1.
    pub fn items(&self) -> usize {
        self.ascending.len()
    }

    /// The number of events.
    pub fn events(&self) -> usize {
        self.ascending.iter().filter(|item| item.event).count()
    }

    /// The items in ascending order of score, equal scores together.
    pub fn tie_groups(&self) -> impl DoubleEndedIterator<Item = TieGroup> + '_ {
        self.ascending
            .chunk_by(|left, right| left.score == right.score)
            .map(TieGroup::of)
    }

    /// Each score with its outcome, in ascending order of score.
    pub fn pairs(&self) -> impl Iterator<Item = (f64, bool)> + '_ {
        self.ascending.iter().map(|item| (item.score, item.event))
    }

    /// The items at the given indices (as given to [`Scored::new`]), with repetitions: one resample
    /// of a bootstrap. Takes O(N), since the order is known. Indices ≥ N are left out; `None` means
    /// that none is left.
    pub fn resampled(&self, items: &[usize]) -> Option<Scored> {
        let mut times = vec![0usize; self.items()];
        for &item in items {
            if let Some(times) = times.get_mut(item) {
                *times += 1;
            }
        }
        let mut ascending = Vec::with_capacity(items.len());
        for original in &self.ascending {
            for _ in 0..times.get(original.item).copied().unwrap_or_default() {
                ascending.push(ScoredItem {
                    item: ascending.len(),
                    ..*original
                });
            }
        }
        if ascending.is_empty() {
            None
        } else {
            Some(Scored { ascending })
        }
    }
}

impl TieGroup {
    fn of(tied: &[ScoredItem]) -> TieGroup {
        let score = tied.first().map_or(0.0, |item| item.score);
        let events = tied.iter().filter(|item| item.event).count();
        TieGroup {
            score,
            items: tied.len(),
            events,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn resample_equals_sorting_its_items() {
        let (scores, events) = ([0.5, -1.0, 0.5, 2.0], [true, false, false, true]);
        let items = [3, 0, 0, 2, 1, 3];
        let resampled = Scored::new(&scores, &events)
            .unwrap()
            .resampled(&items)
            .unwrap();
        let sorted = Scored::new(
            &items.map(|item| scores[item]),
            &items.map(|item| events[item]),
        )
        .unwrap();
        assert!(resampled.tie_groups().eq(sorted.tie_groups()));
    }

    #[test]
    fn zero_and_minus_zero_tie() {
        let scored = Scored::new(&[0.0, -0.0, 0.0], &[true, false, false]).unwrap();
        assert_eq!(scored.tie_groups().count(), 1);
    }
}
