//! Sums over images from which the tests are computed for any α.

use super::p_value::UNSEEN_IMAGES;
use super::tally::ImageTally;

/// Sums over images of the cases n (trials) and the mistakes k (errors) of each image, at one
/// threshold.
///
/// The sums are integers, so the order of the images does not matter, and a spread of 0 is exactly
/// 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moments {
    /// Number of images with a case of the promise at any threshold, including those with n = 0 at
    /// this one.
    pub images: u64,
    /// Number of images with n > 0.
    pub images_with_trials: u64,
    /// Number of accepted cells in all images.
    pub accepted: u64,
    /// Σ n.
    pub trials: u64,
    /// Σ k.
    pub errors: u64,
    trials_squared: u64,
    trials_times_errors: u64,
    errors_squared: u64,
}

impl Moments {
    /// The same images plus [`UNSEEN_IMAGES`] with as many cases as the mean image, of which a
    /// share `mistaken` are mistakes. Both numbers are rounded up.
    pub(super) fn with_unseen_images(&self, mistaken: f64) -> Moments {
        let mut moments = *self;
        let trials = self.trials.div_ceil(self.images.max(1));
        let errors = (mistaken * trials as f64).ceil() as u64;
        for _ in 0..UNSEEN_IMAGES {
            moments.add(trials, errors.min(trials));
        }
        moments
    }

    /// The moments of `times` as many images that are like these on average. Mistakes are rounded
    /// up.
    pub(super) fn planned(&self, times: f64) -> Moments {
        let scaled = |sum: u64| (sum as f64 * times).round() as u64;
        let trials = (self.trials as f64 * times).floor() as u64;
        let errors = (self.errors as f64 * times).ceil() as u64;
        Moments {
            images: scaled(self.images),
            images_with_trials: scaled(self.images_with_trials),
            accepted: scaled(self.accepted),
            trials,
            errors: errors.min(trials),
            trials_squared: scaled(self.trials_squared),
            trials_times_errors: scaled(self.trials_times_errors),
            errors_squared: scaled(self.errors_squared),
        }
    }

    /// The moments of `steps` thresholds over images. For bootstrap samples, pass an image as often
    /// as it is drawn.
    ///
    /// Images without a case of the promise at any threshold count only for the accepted cells.
    /// They carry no information about the risk, and counting them would overstate the number of
    /// images. Whether an image has a case does not depend on the threshold.
    ///
    /// ```
    /// use uncertainty::risk_control::{Counts, Moments};
    ///
    /// let image = vec![Counts { accepted: 3, trials: 2, errors: 1 }];
    /// let moments = Moments::over(1, [&image, &image].into_iter());
    /// assert_eq!(moments.first().and_then(Moments::risk), Some(0.5));
    /// ```
    pub fn over<'a>(steps: usize, images: impl Iterator<Item = &'a ImageTally>) -> Vec<Moments> {
        let mut moments = vec![Moments::default(); steps];
        for image in images {
            let has_cases = image.last().is_some_and(|loosest| loosest.trials > 0);
            for (step, counts) in moments.iter_mut().zip(image) {
                step.accepted += counts.accepted;
                if has_cases {
                    step.add(counts.trials, counts.errors);
                }
            }
        }
        moments
    }

    fn add(&mut self, trials: u64, errors: u64) {
        self.images += 1;
        self.images_with_trials += u64::from(trials > 0);
        self.trials += trials;
        self.errors += errors;
        self.trials_squared += trials * trials;
        self.trials_times_errors += trials * errors;
        self.errors_squared += errors * errors;
    }

    /// Mistakes per case; `None` without cases.
    pub fn risk(&self) -> Option<f64> {
        (self.trials > 0).then(|| self.errors as f64 / self.trials as f64)
    }

    /// Mean and unbiased variance over images of z = k − α n; `None` with fewer than two images.
    pub(super) fn excess(&self, alpha: f64) -> Option<(f64, f64)> {
        if self.images < 2 {
            return None;
        }
        let images = self.images as f64;
        let mean = (self.errors as f64 - alpha * self.trials as f64) / images;
        // F Σab − Σa Σb, computed exactly in integers before α is applied.
        let spread = |products: u64, left: u64, right: u64| {
            let products = i128::from(self.images) * i128::from(products);
            (products - i128::from(left) * i128::from(right)) as f64
        };
        let of_errors = spread(self.errors_squared, self.errors, self.errors);
        let of_both = spread(self.trials_times_errors, self.trials, self.errors);
        let of_trials = spread(self.trials_squared, self.trials, self.trials);
        let sum = of_errors - 2.0 * alpha * of_both + alpha * alpha * of_trials;
        Some((mean, sum.max(0.0) / (images * (images - 1.0))))
    }
}
