//! How likely the counts would be if the risk were above α.

use serde::Serialize;
use statrs::distribution::{Beta, Binomial, ContinuousCDF, DiscreteCDF, StudentsT};

use super::moments::Moments;

/// The p-values of "the risk is above α" at one threshold; small ones speak against it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PValue {
    /// The exact binomial tail over cells, as if they were independent.
    pub cells: f64,
    /// Student's t over images of z = errors − α · trials; `None` where it is undefined.
    pub t: Option<f64>,
    /// The lower tail of that t, with one degree of freedom less than there are images.
    pub images: f64,
}

impl PValue {
    /// Both tests.
    pub fn of(moments: &Moments, alpha: f64) -> PValue {
        let cells = binomial_p(moments.trials, moments.errors, alpha);
        PValue::with_images(cells, moments, alpha, moments.images as f64)
    }

    /// Both tests on `times` as many images that are like the present ones on average; a part of a mistake is a whole one.
    pub(super) fn planned(moments: &Moments, alpha: f64, times: f64) -> PValue {
        let trials = (moments.trials as f64 * times).floor();
        let errors = (moments.errors as f64 * times).ceil().min(trials);
        let cells = binomial_p(trials as u64, errors as u64, alpha);
        PValue::with_images(cells, moments, alpha, moments.images as f64 * times)
    }

    /// The larger of the two, by which a threshold is judged.
    pub fn larger(&self) -> f64 {
        self.cells.max(self.images)
    }

    fn with_images(cells: f64, moments: &Moments, alpha: f64, images: f64) -> PValue {
        let undefined = |p| PValue {
            cells,
            t: None,
            images: p,
        };
        let Some((mean, variance)) = moments.excess(alpha) else {
            return undefined(1.0);
        };
        if moments.trials == 0 {
            return undefined(1.0);
        }
        if variance == 0.0 {
            return undefined(if mean < 0.0 { 0.0 } else { 1.0 });
        }
        let t = mean / (variance / images).sqrt();
        PValue {
            cells,
            t: Some(t),
            images: StudentsT::new(0.0, 1.0, images - 1.0).map_or(1.0, |student| student.cdf(t)),
        }
    }
}

/// P(at most `errors` mistakes in `trials` independent cases | risk α); 1 without cases.
pub fn binomial_p(trials: u64, errors: u64, alpha: f64) -> f64 {
    if trials == 0 {
        return 1.0;
    }
    Binomial::new(alpha, trials).map_or(1.0, |binomial| binomial.cdf(errors))
}

/// Clopper and Pearson's upper bound of a risk at level 1 − δ, one-sided; 1 without cases or when all are mistakes.
pub fn clopper_pearson_upper(errors: u64, trials: u64, delta: f64) -> f64 {
    if errors >= trials {
        return 1.0;
    }
    let (successes, failures) = (errors as f64 + 1.0, (trials - errors) as f64);
    Beta::new(successes, failures).map_or(1.0, |beta| beta.inverse_cdf(1.0 - delta))
}

/// The fewest cells by which α can be promised when none of them is a mistake: the smallest n with (1 − α)ⁿ ≤ δ.
pub fn cells_without_error(alpha: f64, delta: f64) -> u64 {
    // What rounding adds to an exact power must not ask for one cell more.
    let cells = delta.ln() / (-alpha).ln_1p() - 1e-9;
    cells.ceil() as u64
}
