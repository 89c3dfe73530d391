//! p-values of the hypothesis that the risk is above α.

use serde::Serialize;
use statrs::distribution::{Beta, Binomial, ContinuousCDF, DiscreteCDF, StudentsT};

use super::moments::Moments;

/// Number of images of an unseen kind that a threshold has to tolerate. With confidence 95%, n
/// images without such an image allow for a share of 3/n ("rule of three": 0.05 = (1 − x)ⁿ gives x
/// ≈ 3/n).
pub const UNSEEN_IMAGES: usize = 3;

/// Share of the cases in those images that are taken as mistakes.
///
/// Chosen on the folds of CRIC, where promises are kept with it (`docs/DECISIONS.md`, 24).
pub const UNSEEN_MISTAKEN: f64 = 0.25;

/// The p-values of "the risk is above α" at one threshold. Small values are evidence against it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PValue {
    /// The exact binomial tail over cells, assuming independent cells.
    pub cells: f64,
    /// Student's t over images of z = errors − α · trials; `None` if undefined.
    pub t: Option<f64>,
    /// The lower tail of that t, with (number of images − 1) degrees of freedom.
    pub images: f64,
    /// The same tail with [`UNSEEN_IMAGES`] more images, in which the share [`UNSEEN_MISTAKEN`] of
    /// the cases are mistakes. Student's t alone is too confident if the worst images are not in
    /// the sample; `make experiment-guarantee` shows how often thresholds by the other two tests
    /// alone break their promise.
    pub guarded: f64,
}

impl PValue {
    /// Computes all tests at one threshold from the sums over images.
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

    /// The largest of all tests. A threshold passes if it is at most δ.
    pub fn judged(&self) -> f64 {
        self.larger().max(self.guarded)
    }

    /// The tail over images with [`UNSEEN_IMAGES`] more, in which the share `mistaken` of the cases
    /// are mistakes.
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

/// Clopper and Pearson's one-sided upper bound of a risk at level 1 − δ; 1 without cases, or if all
/// are mistakes.
///
/// ```
/// use uncertainty::risk_control::clopper_pearson_upper;
///
/// // No mistake among 59 cells: the risk is below 5% with confidence 95%.
/// assert!(clopper_pearson_upper(0, 59, 0.05) < 0.05);
/// ```
pub fn clopper_pearson_upper(errors: u64, trials: u64, delta: f64) -> f64 {
    if errors >= trials {
        return 1.0;
    }
    let (successes, failures) = (errors as f64 + 1.0, (trials - errors) as f64);
    Beta::new(successes, failures).map_or(1.0, |beta| beta.inverse_cdf(1.0 - delta))
}

/// The fewest cells without a mistake with which α can be promised: the smallest n with (1 − α)ⁿ ≤
/// δ.
///
/// ```
/// assert_eq!(uncertainty::risk_control::cells_without_error(0.05, 0.05), 59);
/// ```
pub fn cells_without_error(alpha: f64, delta: f64) -> u64 {
    // Rounding of an exact power must not add a cell.
    let cells = delta.ln() / (-alpha).ln_1p() - 1e-9;
    cells.ceil() as u64
}

/// The fewest images without a bad one with which α can be promised. A bad image has mistakes in
/// half of its cases. With n images and no bad one, the share x of bad images satisfies (1 − x)ⁿ =
/// δ. The result is the smallest n with x / 2 ≤ α.
pub(super) fn images_without_bad_one(alpha: f64, delta: f64) -> u64 {
    if alpha >= 0.5 {
        return 1;
    }
    cells_without_error(2.0 * alpha, delta)
}
