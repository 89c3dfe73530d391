//! Runs work on all cores and returns the results in the order of the items.

use rayon::prelude::*;

use crate::TrainingError;

/// Applies `work` to every item. Stops early at an error and returns it.
///
/// Threads take one item at a time because each item is long: the cells of an image, the heads of a
/// fold.
pub(crate) fn map<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R, TrainingError> + Sync,
) -> Result<Vec<R>, TrainingError> {
    let items = items.par_iter().with_max_len(1);
    items.map(&work).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_order_and_errors_return() {
        let items: Vec<u64> = (0..500).collect();
        let squares: Vec<u64> = items.iter().map(|item| item * item).collect();
        assert_eq!(map(&items, |item| Ok(item * item)).unwrap(), squares);
        let refuse = |item: &u64| match item {
            7 => Err(TrainingError::Impossible("seven".to_owned())),
            other => Ok(*other),
        };
        assert_eq!(map(&items, refuse).unwrap_err().to_string(), "seven");
    }
}
