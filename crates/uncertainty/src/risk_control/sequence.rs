//! The order in which thresholds are tested, and where the tests stop.

use std::ops::Range;

use super::moments::Moments;
use super::p_value::{PValue, binomial_p, cells_without_error, images_without_bad_one};

/// The tests start at the threshold that accepts 1 in this many of the cases that the loosest
/// threshold accepts. With a stricter start, one early mistake among few cells would end the tests.
/// With a looser start, a risk that is small only for the most certain cells would be missed.
const START_SHARE: f64 = 4.0;

/// The fewest images with cases. With fewer, Student's t is unreliable for such skewed numbers.
const START_IMAGES: f64 = 20.0;

/// The p-value that decides on a threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Test {
    /// The largest of all tests, with this share of mistakes in images of an unseen kind.
    Guarded(f64),
    /// The larger of the tests over cells and over images. It allows for dependent cells of the
    /// same image.
    CellsAndImages,
    /// The exact binomial test alone, which assumes independent cells. For experiments that show
    /// how often this breaks promises.
    CellsAlone,
}

impl Test {
    /// The p-value at one threshold.
    pub fn p(self, moments: &Moments, alpha: f64) -> f64 {
        match self {
            Test::Guarded(mistaken) => {
                let guarded = PValue::with_unseen_images(moments, alpha, mistaken);
                PValue::of(moments, alpha).larger().max(guarded)
            }
            Test::CellsAndImages => PValue::of(moments, alpha).larger(),
            Test::CellsAlone => binomial_p(moments.trials, moments.errors, alpha),
        }
    }
}

/// The thresholds that were tested for one promise, and those that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sequence {
    /// Index of the first tested threshold; `None` if even the loosest has too few cases or images.
    pub start: Option<usize>,
    /// Indices of the certified thresholds, the last one being the loosest; empty if nothing can be
    /// promised.
    pub certified: Range<usize>,
}

impl Sequence {
    /// Tests the thresholds of a grid upwards, from the first one that accepts enough cells.
    ///
    /// ```
    /// use uncertainty::risk_control::{Counts, Moments, Sequence, Test};
    ///
    /// let count = |trials, errors| Counts { accepted: trials, trials, errors };
    /// let image = vec![count(5, 0), count(6, 1)];
    /// let moments = Moments::over(2, std::iter::repeat_n(&image, 200));
    /// let sequence = Sequence::of(&moments, 0.05, 0.05, Test::CellsAndImages);
    /// assert_eq!(sequence.chosen(), Some(0));
    /// ```
    pub fn of(steps: &[Moments], alpha: f64, delta: f64, test: Test) -> Sequence {
        let start = first_tested(steps, alpha, delta, 1.0);
        let p = |step: usize| steps.get(step).map_or(1.0, |step| test.p(step, alpha));
        let first = start.unwrap_or(steps.len());
        Sequence {
            start,
            certified: certified_steps(first, steps.len(), delta, p),
        }
    }

    /// Index of the loosest certified threshold.
    pub fn chosen(&self) -> Option<usize> {
        self.certified.clone().next_back()
    }
}

/// Index of the first threshold to test; `None` if even the loosest has too few cases or images. It
/// must accept:
///
/// - as many cases as could keep the promise without a mistake;
/// - a quarter of the cases that the loosest threshold accepts;
/// - cases of 20 images, or of as many as α needs ([`images_without_bad_one`]) if that is more.
///
/// It uses only the numbers of accepted cases, not whether they are right. `times` scales the
/// present images for planning; it is 1 for the real test.
pub(super) fn first_tested(steps: &[Moments], alpha: f64, delta: f64, times: f64) -> Option<usize> {
    let all = steps.last().map_or(0, |loosest| loosest.trials);
    let cells = (cells_without_error(alpha, delta) as f64).max(times * all as f64 / START_SHARE);
    let images = (images_without_bad_one(alpha, delta) as f64).max(START_IMAGES);
    let enough = |step: &Moments| {
        times * step.trials as f64 >= cells && times * step.images_with_trials as f64 >= images
    };
    steps.iter().position(enough)
}

/// Fixed-sequence testing: tests from `start` upwards while p ≤ δ. Returns the indices that passed.
///
/// ```
/// let p_values = [0.9, 0.01, 0.02, 0.3, 0.01];
/// let p = |step: usize| p_values.get(step).copied().unwrap_or(1.0);
/// assert_eq!(uncertainty::risk_control::certified_steps(1, 5, 0.05, p), 1..3);
/// ```
pub fn certified_steps(
    start: usize,
    steps: usize,
    delta: f64,
    mut p: impl FnMut(usize) -> f64,
) -> Range<usize> {
    let failed = (start..steps).find(|&step| p(step) > delta);
    start..failed.unwrap_or(steps).max(start)
}
