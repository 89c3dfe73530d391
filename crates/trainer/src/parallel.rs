//! Work shared out over threads, with the results in the order of the items.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use crate::TrainingError;

/// As many threads as there are cores.
pub(crate) use engine::available_cores as available_threads;

/// Applies `work` to every item, on one thread per entry of `states`; each thread owns its state (a session, say).
///
/// Stops early at the first error and returns it.
pub(crate) fn map_with_states<S: Send, T: Sync, R: Send>(
    states: Vec<S>,
    items: &[T],
    work: impl Fn(&mut S, &T) -> Result<R, TrainingError> + Sync,
) -> Result<Vec<R>, TrainingError> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for mut state in states {
            let (next, results, work) = (&next, &results, &work);
            scope.spawn(move || {
                while let Some((index, item)) = take(next, items) {
                    let result = work(&mut state, item);
                    if result.is_err() {
                        next.store(items.len(), Ordering::Relaxed);
                    }
                    lock(results).push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// [`map_with_states`] for work that needs no state.
pub(crate) fn map<T: Sync, R: Send>(
    threads: usize,
    items: &[T],
    work: impl Fn(&T) -> Result<R, TrainingError> + Sync,
) -> Result<Vec<R>, TrainingError> {
    map_with_states(vec![(); threads.max(1)], items, |(), item| work(item))
}

fn take<'a, T>(next: &AtomicUsize, items: &'a [T]) -> Option<(usize, &'a T)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    Some((index, items.get(index)?))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_the_items() {
        let items: Vec<u64> = (0..500).collect();
        let squares = map(4, &items, |item| Ok(item * item)).unwrap();
        assert_eq!(
            squares,
            items.iter().map(|item| item * item).collect::<Vec<_>>()
        );
    }

    #[test]
    fn an_error_stops_the_work() {
        let items: Vec<u64> = (0..500).collect();
        let refuse = |item: &u64| match item {
            7 => Err(TrainingError::Impossible("seven".to_owned())),
            other => Ok(*other),
        };
        assert_eq!(map(4, &items, refuse).unwrap_err().to_string(), "seven");
    }
}
