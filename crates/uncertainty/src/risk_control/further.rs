//! How many more images a promise would need.

use super::p_value::PValue;
use super::sequence::first_tested;
use super::tally::Tally;

/// No number beyond this many times the present images is given.
const MOST_TIMES: f64 = 1000.0;

/// Growth of the planned number of images between tries: the answer is exact to 2%.
const GROWTH: f64 = 1.02;

/// The fewest further images with which the first tested threshold would pass, if they had the same
/// counts and spread as the present ones. Counts grow in proportion (mistakes rounded up); mean and
/// variance over images stay, and so does [`UNSEEN_IMAGES`](super::UNSEEN_IMAGES). `None` if no
/// number up to a thousand times the present images is enough, as when the risk at that threshold
/// is above α.
///
/// Use it for planning: it assumes that the observed proportions are the true ones.
pub(super) fn further_images(tally: &Tally, alpha: f64, delta: f64) -> Option<u64> {
    let moments = tally.moments();
    let present = tally.images().len() as u64;
    let most = present as f64 * MOST_TIMES;
    let mut planned = present + 1;
    while planned as f64 <= most {
        let times = planned as f64 / present as f64;
        let first = first_tested(&moments, alpha, delta, times).and_then(|step| moments.get(step));
        if first.is_some_and(|step| PValue::of(&step.planned(times), alpha).judged() <= delta) {
            return Some(planned - present);
        }
        planned = ((planned as f64 * GROWTH) as u64).max(planned + 1);
    }
    None
}
