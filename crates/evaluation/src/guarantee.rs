//! Simulates whether promises are kept: calibrates on draws from a world with known true risks, and
//! counts the draws that exceed α.
//!
//! The world is the labelled cells that training has not seen. A draw takes images with replacement
//! and treats each as a new image. It then calibrates: it chooses the temperature that fits its
//! cells, certifies thresholds at that temperature, and chooses a default. The true risk of a
//! threshold is its risk in the whole world at the temperature of its draw. The cell-wise test
//! alone certifies the same draws, to show the effect of ignoring images.

use serde::Serialize;

use super::bootstrap::{random_index, stream};
use super::error::EvaluationError;
use uncertainty::{
    Promise,
    risk_control::{Moments, Sequence, Tally, Test},
};

/// Settings of the simulation.
#[derive(Debug, Clone)]
pub struct Experiment {
    /// Number of draws; 2,000 distinguish 5% from 6.5%.
    pub draws: usize,
    /// Images per draw, as many as calibrate a bundle.
    pub images: usize,
    /// The promised bounds.
    pub alphas: Vec<f64>,
    /// One minus the confidence of each policy of a promise.
    pub delta_of: fn(Promise) -> f64,
    /// The share of mistakes in images of an unseen kind. Policies are certified with
    /// [`UNSEEN_MISTAKEN`](uncertainty::risk_control::UNSEEN_MISTAKEN).
    pub unseen_mistaken: f64,
    /// The same seed makes the same draws, which all promises and bounds share.
    pub seed: u64,
}

/// The cells of the world at one of the temperatures that a draw may choose.
#[derive(Debug, Clone, PartialEq)]
pub struct AtTemperature {
    /// The loss of each image, in the order of the tallies' images.
    pub images: Vec<ImageLoss>,
    /// A tally per promise over all cells of the world; the same promises at every temperature.
    pub tallies: Vec<Tally>,
}

/// An image's loss at a temperature.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ImageLoss {
    /// Its cells.
    pub cells: u64,
    /// The sum over its cells of −ln of the true class's probability.
    pub loss: f64,
}

/// A threshold that a draw certified with the policies' tests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CertifiedStep {
    /// The promise.
    pub promise: Promise,
    /// Its bound.
    pub alpha: f64,
    /// The counts of the draw at this threshold.
    pub drawn: Moments,
    /// The cells of the draw.
    pub cells: u64,
    truth: Truth,
}

/// The results of the simulation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Guarantees {
    /// Each promise with each bound.
    pub promises: Vec<Guarantee>,
    /// The default policy, chosen anew by each draw, measured against the bound that it was chosen
    /// with.
    pub default: PromiseKept,
}

/// The results of one promise with one bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Guarantee {
    /// The promise.
    pub promise: Promise,
    /// Its bound.
    pub alpha: f64,
    /// With the tests of policies, using the experiment's share of mistakes in unseen images.
    pub guarded: PromiseKept,
    /// By the exact binomial over cells and Student's t over images.
    pub by_cells_and_images: PromiseKept,
    /// By the exact binomial over cells alone.
    pub by_cells_alone: PromiseKept,
}

/// How often a promise was made and kept, and its coverage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct PromiseKept {
    /// Share of the draws whose threshold has a true risk above α; nominally at most δ.
    pub broken: f64,
    /// Share of the draws without a certified threshold. They refer all cells, which breaks no
    /// promise.
    pub without_promise: f64,
    /// Mean share of the world's cells that the threshold accepts; 0 without a certified threshold.
    pub coverage: f64,
}

/// True risk and coverage of a threshold in the world.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Truth {
    risk: f64,
    coverage: f64,
}

/// Runs the simulation in a world that is given at every temperature that a draw may choose.
/// `default` chooses the default policy among the certified ones of a draw, in the order of
/// promises and bounds.
///
/// # Errors
/// [`EvaluationError::Resampling`] without draws or temperatures, or with fewer than two images in
/// the world or in a draw.
pub fn guarantees(
    world: &[AtTemperature],
    experiment: &Experiment,
    default: impl Fn(&[CertifiedStep]) -> Option<usize>,
) -> Result<Guarantees, EvaluationError> {
    let images = world.first().map_or(0, |at| at.images.len());
    let fewest = images.min(experiment.images);
    if fewest < 2 || experiment.draws == 0 {
        return Err(EvaluationError::Resampling {
            groups: fewest,
            resamples: experiment.draws,
        });
    }
    let truths: Vec<Vec<Vec<Truth>>> = world.iter().map(truths).collect();
    let mut counts = Counting::of(world, experiment);
    for draw in (0u64..).take(experiment.draws) {
        let mut random = stream(experiment.seed, draw);
        let drawn = (0..experiment.images).map(|_| random_index(&mut random, images));
        let drawn: Vec<usize> = drawn.collect();
        let best = (0..world.len())
            .map(|at| (at, loss(&world[at], &drawn)))
            .min_by(|left, right| left.1.total_cmp(&right.1));
        let Some((at, _)) = best else { continue };
        let certified = counts.draw(&world[at], &truths[at], &drawn);
        let chosen = default(&certified).and_then(|chosen| certified.get(chosen));
        let (truth, alpha) = chosen.map_or((None, 0.0), |of| (Some(&of.truth), of.alpha));
        counts.of.default.count(truth, alpha);
    }
    Ok(counts.divided())
}

/// The counts over the draws.
struct Counting<'a> {
    experiment: &'a Experiment,
    of: Guarantees,
}

impl<'a> Counting<'a> {
    fn of(world: &[AtTemperature], experiment: &'a Experiment) -> Self {
        let tallies = world.first().into_iter().flat_map(|at| &at.tallies);
        let alphas = &experiment.alphas;
        let promises = tallies.flat_map(|tally| {
            alphas.iter().map(|&alpha| Guarantee {
                promise: tally.promise(),
                alpha,
                guarded: PromiseKept::default(),
                by_cells_and_images: PromiseKept::default(),
                by_cells_alone: PromiseKept::default(),
            })
        });
        let of = Guarantees {
            promises: promises.collect(),
            default: PromiseKept::default(),
        };
        Self { experiment, of }
    }

    /// Counts one draw and returns its certified thresholds.
    fn draw(
        &mut self,
        at: &AtTemperature,
        truths: &[Vec<Truth>],
        drawn: &[usize],
    ) -> Vec<CertifiedStep> {
        let cells = drawn.iter().filter_map(|image| at.images.get(*image));
        let cells = cells.map(|image| image.cells).sum();
        let alphas = &self.experiment.alphas;
        let rows = self.of.promises.chunks_mut(alphas.len().max(1));
        let mut certified = Vec::new();
        for ((rows, tally), truths) in rows.zip(&at.tallies).zip(truths) {
            let images = drawn.iter().filter_map(|image| tally.images().get(*image));
            let moments = Moments::over(truths.len(), images);
            let delta = (self.experiment.delta_of)(tally.promise());
            for row in rows {
                let chosen = |test| Sequence::of(&moments, row.alpha, delta, test).chosen();
                let truth = |step: Option<usize>| truths.get(step?);
                let guarded = chosen(Test::Guarded(self.experiment.unseen_mistaken));
                let both = chosen(Test::CellsAndImages);
                let alone = chosen(Test::CellsAlone);
                row.guarded.count(truth(guarded), row.alpha);
                row.by_cells_and_images.count(truth(both), row.alpha);
                row.by_cells_alone.count(truth(alone), row.alpha);
                if let Some((step, truth)) = guarded.zip(truth(guarded)) {
                    certified.push(CertifiedStep {
                        promise: row.promise,
                        alpha: row.alpha,
                        drawn: moments[step],
                        cells,
                        truth: *truth,
                    });
                }
            }
        }
        certified
    }

    fn divided(mut self) -> Guarantees {
        let draws = self.experiment.draws;
        for row in &mut self.of.promises {
            row.guarded.divide(draws);
            row.by_cells_and_images.divide(draws);
            row.by_cells_alone.divide(draws);
        }
        self.of.default.divide(draws);
        self.of
    }
}

/// True risk and coverage of each step of each promise in the whole world.
fn truths(at: &AtTemperature) -> Vec<Vec<Truth>> {
    let of_tally = |tally: &Tally| {
        let of_step = |step: &Moments| Truth {
            risk: step.risk().unwrap_or(0.0),
            coverage: step.accepted as f64 / tally.cells() as f64,
        };
        tally.moments().iter().map(of_step).collect()
    };
    at.tallies.iter().map(of_tally).collect()
}

/// The loss of a temperature over the cells of some images.
fn loss(at: &AtTemperature, drawn: &[usize]) -> f64 {
    let images = drawn.iter().filter_map(|image| at.images.get(*image));
    images.map(|image| image.loss).sum()
}

impl PromiseKept {
    fn count(&mut self, chosen: Option<&Truth>, alpha: f64) {
        match chosen {
            None => self.without_promise += 1.0,
            Some(truth) => {
                self.broken += f64::from(u8::from(truth.risk > alpha));
                self.coverage += truth.coverage;
            }
        }
    }

    fn divide(&mut self, draws: usize) {
        let draws = draws as f64;
        for sum in [
            &mut self.broken,
            &mut self.without_promise,
            &mut self.coverage,
        ] {
            *sum /= draws;
        }
    }
}

#[cfg(test)]
mod tests;
