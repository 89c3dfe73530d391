//! How likely the counts would be if the risk were above α.

use serde::Serialize;
use statrs::distribution::{Beta, Binomial, ContinuousCDF, DiscreteCDF, StudentsT};

use super::moments::Moments;

/// How many images of a kind that was not seen a threshold has to allow for: with confidence 95%, n images without one of them
/// leave room for a share of 3/n ("rule of three": 0.05 = (1 − x)ⁿ has x ≈ 3/n).
pub const UNSEEN_IMAGES: usize = 3;

/// The share of their cases that is taken to be mistaken.
///
/// Chosen on the folds of CRIC, where promises are kept with it (`docs/DECISIONS.md`, 24).
pub const UNSEEN_MISTAKEN: f64 = 0.25;

/// The p-values of "the risk is above α" at one threshold; small ones speak against it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PValue {
    /// The exact binomial tail over cells, as if they were independent.
    pub cells: f64,
    /// Student's t over images of z = errors − α · trials; `None` where it is undefined.
    pub t: Option<f64>,
    /// The lower tail of that t, with one degree of freedom less than there are images.
    pub images: f64,
    /// The same tail with [`UNSEEN_IMAGES`] more, [`UNSEEN_MISTAKEN`] of whose cases are mistakes. Student's t trusts a sample into which the
    /// worst images happened not to be drawn; `make experiment-guarantee` shows how often thresholds by the other two tests alone
    /// break their promise.
    pub guarded: f64,
}

impl PValue {
    /// All tests of the sums over images at one threshold.
    ///
    /// ```
    /// use uncertainty::risk_control::{Counts, Moments, PValue};
    ///
    /// let image = vec![Counts { accepted: 5, trials: 5, errors: 0 }];
    /// let moments = Moments::over(1, std::iter::repeat_n(&image, 200));
    /// let p_value = moments.first().map(|moments| PValue::of(moments, 0.05));
    /// assert!(p_value.is_some_and(|p_value| p_value.judged() < 0.05));
    /// ```
    pub fn of(moments: &Moments, alpha: f64) -> PValue {
        let (t, images) = tail(moments, alpha);
        PValue {
            cells: binomial_p(moments.trials, moments.errors, alpha),
            t,
            images,
            guarded: PValue::with_unseen_images(moments, alpha, UNSEEN_MISTAKEN),
        }
    }

    /// The larger of the tests over cells and over images.
    pub fn larger(&self) -> f64 {
        self.cells.max(self.images)
    }

    /// The largest of all, by which a threshold is judged.
    pub fn judged(&self) -> f64 {
        self.larger().max(self.guarded)
    }

    /// The tail over images with [`UNSEEN_IMAGES`] more, a `mistaken` share of whose cases are mistakes.
    pub(super) fn with_unseen_images(moments: &Moments, alpha: f64, mistaken: f64) -> f64 {
        tail(&moments.with_unseen_images(mistaken), alpha).1
    }
}

/// Student's t and its lower tail.
fn tail(moments: &Moments, alpha: f64) -> (Option<f64>, f64) {
    let excess = moments.excess(alpha).filter(|_| moments.trials > 0);
    let Some((mean, variance)) = excess else {
        return (None, 1.0);
    };
    if variance == 0.0 {
        return (None, if mean < 0.0 { 0.0 } else { 1.0 });
    }
    let images = moments.images as f64;
    let t = mean / (variance / images).sqrt();
    let student = StudentsT::new(0.0, 1.0, images - 1.0);
    (Some(t), student.map_or(1.0, |student| student.cdf(t)))
}

/// P(at most `errors` mistakes in `trials` independent cases | risk α); 1 without cases.
///
/// ```
/// assert!(uncertainty::risk_control::binomial_p(59, 0, 0.05) < 0.05);
/// ```
pub fn binomial_p(trials: u64, errors: u64, alpha: f64) -> f64 {
    if trials == 0 {
        return 1.0;
    }
    Binomial::new(alpha, trials).map_or(1.0, |binomial| binomial.cdf(errors))
}

/// Clopper and Pearson's upper bound of a risk at level 1 − δ, one-sided; 1 without cases or when all are mistakes.
///
/// ```
/// use uncertainty::risk_control::clopper_pearson_upper;
///
/// // No mistake among 59 cells: fewer than 5% are mistaken, with confidence 95%.
/// assert!(clopper_pearson_upper(0, 59, 0.05) < 0.05);
/// ```
pub fn clopper_pearson_upper(errors: u64, trials: u64, delta: f64) -> f64 {
    if errors >= trials {
        return 1.0;
    }
    let (successes, failures) = (errors as f64 + 1.0, (trials - errors) as f64);
    Beta::new(successes, failures).map_or(1.0, |beta| beta.inverse_cdf(1.0 - delta))
}

/// The fewest cells by which α can be promised when none of them is a mistake: the smallest n with (1 − α)ⁿ ≤ δ.
///
/// ```
/// assert_eq!(uncertainty::risk_control::cells_without_error(0.05, 0.05), 59);
/// ```
pub fn cells_without_error(alpha: f64, delta: f64) -> u64 {
    // What rounding adds to an exact power must not ask for one cell more.
    let cells = delta.ln() / (-alpha).ln_1p() - 1e-9;
    cells.ceil() as u64
}

/// The fewest images by which α can be promised when none of them is bad: an image may be bad as a whole, with half of its cases
/// mistaken, and n images without a bad one leave room for a share x of bad ones with (1 − x)ⁿ = δ. The smallest n with x / 2 ≤ α.
pub(super) fn images_without_bad_one(alpha: f64, delta: f64) -> u64 {
    if alpha >= 0.5 {
        return 1;
    }
    cells_without_error(2.0 * alpha, delta)
}
