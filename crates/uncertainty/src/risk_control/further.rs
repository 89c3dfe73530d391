//! How many images more it would take.

use super::p_value::PValue;
use super::sequence::first_tested;
use super::tally::Tally;

/// Beyond this many times the present images, no number is given.
const MOST_TIMES: f64 = 1000.0;

/// By how much the planned number of images grows from one try to the next: the answer is right to 2%.
const GROWTH: f64 = 1.02;

/// The fewest further images by which the first tested step would pass, if they had the same counts and the same spread as the
/// present ones: counts grow in proportion (mistakes rounded up), the mean and the variance over images stay, and so does the number of images to allow for. `None` when no
/// number up to a thousand times the present images would do, as when the risk at that step is above α.
///
/// A figure for planning: it takes the observed proportions for the true ones.
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
