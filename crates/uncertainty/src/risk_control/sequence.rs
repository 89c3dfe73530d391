//! Which thresholds are tested, in which order, and when to stop.

use std::ops::Range;

use super::moments::Moments;
use super::p_value::{PValue, binomial_p, cells_without_error, images_without_bad_one};

/// The test begins where this share of the cases is accepted that the loosest threshold accepts: 1 in 4. Begun stricter, one
/// early mistake among few cells would end it; begun looser, a risk that is small only for the surest cells would be missed.
const START_SHARE: f64 = 4.0;

/// With cases from fewer images, Student's t of such skewed numbers says little.
const START_IMAGES: f64 = 20.0;

/// Which p-value a threshold has to pass.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Test {
    /// The largest of all, with such a share of mistakes in images of a kind that was not seen.
    Guarded(f64),
    /// The larger of the tests over cells and over images: cells of one image may depend on each other.
    CellsAndImages,
    /// The exact binomial alone, as if all cells were independent: to show what that would promise wrongly.
    CellsAlone,
}

impl Test {
    /// The p-value of one step.
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

/// Where the tests of one promise began and what they certified.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sequence {
    /// The first step that was tested; `None` when even the loosest has too few cases or images.
    pub start: Option<usize>,
    /// The certified steps, the last being the one to choose; empty when nothing can be promised.
    pub certified: Range<usize>,
}

impl Sequence {
    /// Tests the steps of a grid upwards, from the first that accepts enough cells to be certified.
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

    /// The loosest certified step.
    pub fn chosen(&self) -> Option<usize> {
        self.certified.clone().next_back()
    }
}

/// The first step that is tested: it accepts as many cases as could keep the promise without a mistake, a quarter of those that the
/// loosest step accepts, and cases of 20 images or as many as α takes ([`images_without_bad_one`]); `None` when even the loosest has
/// too few.
///
/// It looks at how many are accepted, never at what is right. `times` plans for as many times the present images; it is 1 when
/// the present ones are tested.
pub(super) fn first_tested(steps: &[Moments], alpha: f64, delta: f64, times: f64) -> Option<usize> {
    let all = steps.last().map_or(0, |loosest| loosest.trials);
    let cells = (cells_without_error(alpha, delta) as f64).max(times * all as f64 / START_SHARE);
    let images = (images_without_bad_one(alpha, delta) as f64).max(START_IMAGES);
    let enough = |step: &Moments| {
        times * step.trials as f64 >= cells && times * step.images_with_trials as f64 >= images
    };
    steps.iter().position(enough)
}

/// Fixed-sequence testing: from `start` upwards while p ≤ δ. The last of the steps is the one to choose; empty means none.
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
