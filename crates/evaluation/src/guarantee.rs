//! Whether promises are kept: certify on draws from a world whose true risks are known, and count the draws that broke α.
//!
//! The world is the labelled cells that training has not seen. A draw takes images with replacement, each a new image every
//! time it is drawn; the threshold certified on it has its true risk in the whole world. The same draws are certified by the
//! cell-wise test alone, to show what ignoring the images would do.

use serde::Serialize;

use super::bootstrap::{random_index, stream};
use super::error::EvaluationError;
use uncertainty::{
    Promise,
    risk_control::{ImageTally, Moments, Sequence, Tally, Test},
};

/// What to play through.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// How many draws; 2,000 tell 5% from 6.5%.
    pub draws: usize,
    /// How many images a draw takes, as many as the calibration split has.
    pub images: usize,
    /// The bounds that are promised.
    pub alphas: Vec<f64>,
    /// One minus the confidence.
    pub delta: f64,
    /// The share of mistakes in images of a kind that was not seen; policies are certified with
    /// [`UNSEEN_MISTAKEN`](uncertainty::risk_control::UNSEEN_MISTAKEN).
    pub unseen_mistaken: f64,
    /// The same seed makes the same draws, which all promises and bounds share.
    pub seed: u64,
}

/// What became of one promise with one bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Guarantee {
    /// The promise.
    pub promise: Promise,
    /// Its bound.
    pub alpha: f64,
    /// By the tests that policies are certified with, with the experiment's share of mistakes in unseen images.
    pub guarded: PromiseKept,
    /// By the exact binomial over cells and Student's t over images.
    pub by_cells_and_images: PromiseKept,
    /// By the exact binomial over cells alone.
    pub by_cells_alone: PromiseKept,
}

/// How often and how well a promise was made and kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct PromiseKept {
    /// Share of the draws whose threshold has a true risk above α; nominally at most δ.
    pub broken: f64,
    /// Share of the draws that could promise nothing: all is referred, which breaks nothing.
    pub without_promise: f64,
    /// Mean share of the world's cells that the threshold accepts, 0 where nothing is promised.
    pub coverage: f64,
}

/// What a threshold does in the world: its step's true risk and coverage.
#[derive(Debug, Clone, Copy)]
struct Truth {
    risk: f64,
    coverage: f64,
}

/// Plays the experiment through for each tally (one per promise, over the cells of the whole world) and each bound.
///
/// # Errors
/// [`EvaluationError::Resampling`] without draws, or with fewer than two images in the world or in a draw.
pub fn guarantees(
    world: &[Tally],
    experiment: &Experiment,
) -> Result<Vec<Guarantee>, EvaluationError> {
    let mut rows = Vec::new();
    for tally in world {
        let fewest = tally.images().len().min(experiment.images);
        if fewest < 2 || experiment.draws == 0 {
            return Err(EvaluationError::Resampling {
                groups: fewest,
                resamples: experiment.draws,
            });
        }
        rows.extend(of_promise(tally, experiment));
    }
    Ok(rows)
}

fn of_promise(tally: &Tally, experiment: &Experiment) -> Vec<Guarantee> {
    let truths: Vec<Truth> = tally
        .moments()
        .iter()
        .map(|step| Truth {
            risk: step.risk().unwrap_or(0.0),
            coverage: step.accepted as f64 / tally.cells() as f64,
        })
        .collect();
    let mut rows: Vec<Guarantee> = experiment
        .alphas
        .iter()
        .map(|&alpha| Guarantee {
            promise: tally.promise(),
            alpha,
            guarded: PromiseKept::default(),
            by_cells_and_images: PromiseKept::default(),
            by_cells_alone: PromiseKept::default(),
        })
        .collect();
    for draw in (0u64..).take(experiment.draws) {
        let drawn = Moments::over(truths.len(), draw_images(tally, experiment, draw));
        for row in &mut rows {
            let (alpha, delta) = (row.alpha, experiment.delta);
            let chosen = |test| Sequence::of(&drawn, alpha, delta, test).chosen();
            let truth = |test| chosen(test).and_then(|step| truths.get(step));
            let guarded = Test::Guarded(experiment.unseen_mistaken);
            let tests = [guarded, Test::CellsAndImages, Test::CellsAlone];
            let [guarded, both, cells] = tests.map(truth);
            row.guarded.count(guarded, alpha);
            row.by_cells_and_images.count(both, alpha);
            row.by_cells_alone.count(cells, alpha);
        }
    }
    for row in &mut rows {
        row.guarded.divide(experiment.draws);
        row.by_cells_and_images.divide(experiment.draws);
        row.by_cells_alone.divide(experiment.draws);
    }
    rows
}

fn draw_images<'a>(
    tally: &'a Tally,
    experiment: &Experiment,
    draw: u64,
) -> impl Iterator<Item = &'a ImageTally> {
    let mut random = stream(experiment.seed, draw);
    let images = tally.images();
    (0..experiment.images).filter_map(move |_| images.get(random_index(&mut random, images.len())))
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
mod tests {
    #![allow(clippy::unwrap_used)]
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{RngCore, SeedableRng};

    use super::*;
    use uncertainty::risk_control::{Grid, Outcome, UNSEEN_MISTAKEN};

    /// The mean risk of the least certain cells.
    const BASE: f64 = 0.25;

    fn unit(random: &mut ChaCha8Rng) -> f64 {
        (random.next_u32() as f64) / f64::from(u32::MAX)
    }

    /// Images of 5 to 84 cells, a quarter of them abnormal. The risk grows with the uncertainty; in a share of the images it is
    /// `factor` times that of the others, so that their mistakes come together.
    fn world(bad: f64, factor: f64) -> Vec<Tally> {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let mut cells = Vec::new();
        for image in 0..250 {
            let times = if unit(&mut random) < bad { factor } else { 1.0 };
            let most = BASE * times / (1.0 - bad + bad * factor);
            for _ in 0..5 + random.next_u32() % 80 {
                let uncertainty = unit(&mut random);
                let wrong = unit(&mut random) < most * uncertainty.powi(2);
                let abnormal = unit(&mut random) < 0.25;
                cells.push(Outcome {
                    image,
                    uncertainty,
                    eligible: true,
                    abnormal,
                    called_abnormal: abnormal != wrong,
                    right_class: !wrong,
                });
            }
        }
        let steps = (1..=100).map(|step| f64::from(step) / 100.0);
        let grid = Grid::new(steps.collect()).unwrap();
        Promise::ALL
            .map(|promise| Tally::of(promise, &cells, &grid).unwrap())
            .into()
    }

    fn experiment(images: usize) -> Experiment {
        Experiment {
            draws: 2_000,
            images,
            alphas: vec![0.01, 0.02, 0.05, 0.1],
            delta: 0.05,
            unseen_mistaken: UNSEEN_MISTAKEN,
            seed: 3,
        }
    }

    fn worst(rows: &[Guarantee], of: impl Fn(&Guarantee) -> PromiseKept) -> f64 {
        rows.iter().map(|row| of(row).broken).fold(0.0, f64::max)
    }

    #[test]
    fn promises_are_kept_where_mistakes_come_together_but_not_by_the_test_over_cells_alone() {
        let rows = guarantees(&world(0.4, 20.0), &experiment(84)).unwrap();
        assert!(worst(&rows, |row| row.by_cells_and_images) <= 0.075);
        assert!(worst(&rows, |row| row.by_cells_alone) > 0.1);
    }

    #[test]
    fn where_cells_are_independent_both_tests_keep_the_promises_at_nearly_the_same_coverage() {
        let rows = guarantees(&world(0.0, 1.0), &experiment(84)).unwrap();
        assert_eq!(rows.len(), 16);
        for row in &rows {
            let (both, cells) = (row.by_cells_and_images, row.by_cells_alone);
            assert!(both.broken <= 0.065 && cells.broken <= 0.065, "{row:?}");
            assert!(both.coverage <= cells.coverage && cells.coverage - both.coverage < 0.01);
        }
        let promised = rows
            .iter()
            .filter(|row| row.by_cells_and_images.coverage > 0.5);
        assert!(promised.count() >= 6, "{rows:?}");
    }

    #[test]
    fn the_same_seed_plays_the_same_experiment_and_another_seed_another() {
        let world = world(0.4, 20.0);
        let play = |seed| {
            let experiment = Experiment {
                draws: 50,
                seed,
                ..experiment(40)
            };
            guarantees(&world, &experiment).unwrap()
        };
        assert_eq!(play(1), play(1));
        assert_ne!(play(1), play(2));
    }

    #[test]
    fn too_few_images_to_draw_from_are_an_error() {
        let error = guarantees(&world(0.0, 1.0), &experiment(1)).unwrap_err();
        let wanted = EvaluationError::Resampling {
            groups: 1,
            resamples: 2_000,
        };
        assert_eq!(error, wanted);
    }
}
