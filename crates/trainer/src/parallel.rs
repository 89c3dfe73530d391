//! Work shared out over the cores, with the results in the order of the items.

use rayon::prelude::*;

use crate::TrainingError;

/// Applies `work` to every item. It stops early at an error and returns it.
///
/// Items are taken one by one, since each is long: the cells of an image, the heads of a fold.
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
    fn results_keep_the_order_of_the_items_and_an_error_is_returned() {
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
