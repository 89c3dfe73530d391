//! Tests on worlds with known risks.

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

/// Images of 5 to 84 cells, a quarter of them abnormal. The risk grows with the uncertainty. In a
/// share of the images it is `factor` times as high, so that mistakes are clustered.
fn world(bad: f64, factor: f64) -> Vec<AtTemperature> {
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
                high_grade: abnormal,
                called_abnormal: abnormal != wrong,
                right_class: !wrong,
            });
        }
    }
    let steps = (1..=100).map(|step| f64::from(step) / 100.0);
    let grid = Grid::new(steps.collect()).unwrap();
    vec![AtTemperature {
        images: vec![ImageLoss::default(); 250],
        tallies: Promise::ALL
            .map(|promise| Tally::of(promise, &cells, &grid).unwrap())
            .into(),
    }]
}

fn experiment(images: usize) -> Experiment {
    Experiment {
        draws: 2_000,
        images,
        alphas: vec![0.01, 0.02, 0.05, 0.1],
        delta_of: |_| 0.05,
        unseen_mistaken: UNSEEN_MISTAKEN,
        seed: 3,
    }
}

fn promises(world: &[AtTemperature], experiment: &Experiment) -> Vec<Guarantee> {
    guarantees(world, experiment, |_| None).unwrap().promises
}

fn worst(rows: &[Guarantee], of: impl Fn(&Guarantee) -> PromiseKept) -> f64 {
    rows.iter().map(|row| of(row).broken).fold(0.0, f64::max)
}

#[test]
fn clustered_mistakes_need_the_image_test() {
    let rows = promises(&world(0.4, 20.0), &experiment(84));
    assert!(worst(&rows, |row| row.by_cells_and_images) <= 0.075);
    assert!(worst(&rows, |row| row.by_cells_alone) > 0.1);
}

#[test]
fn independent_cells_pass_both_tests() {
    let rows = promises(&world(0.0, 1.0), &experiment(84));
    assert_eq!(rows.len(), 4 * Promise::ALL.len());
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
fn simulation_depends_on_its_seed() {
    let world = world(0.4, 20.0);
    let play = |seed| {
        let experiment = Experiment {
            draws: 50,
            seed,
            ..experiment(40)
        };
        promises(&world, &experiment)
    };
    assert_eq!(play(1), play(1));
    assert_ne!(play(1), play(2));
}

#[test]
fn too_few_images_are_refused() {
    let error = guarantees(&world(0.0, 1.0), &experiment(1), |_| None).unwrap_err();
    let wanted = EvaluationError::Resampling {
        groups: 1,
        resamples: 2_000,
    };
    assert_eq!(error, wanted);
}

#[test]
fn draw_chooses_its_own_temperature() {
    let [calm] = world(0.0, 1.0).try_into().unwrap();
    let [wild] = world(0.4, 20.0).try_into().unwrap();
    // At the first temperature the odd images have a loss, at the second the even ones, which are
    // as many.
    let with_losses = |at: AtTemperature, parity: usize, times: f64| {
        let loss = |image: usize| ImageLoss {
            cells: 1,
            loss: times * f64::from(u8::from(image % 2 == parity)),
        };
        AtTemperature {
            images: (0..at.images.len()).map(loss).collect(),
            ..at
        }
    };
    let experiment = Experiment {
        draws: 100,
        ..experiment(40)
    };
    let world = |times: f64| {
        let worlds = [
            with_losses(calm.clone(), 1, 1.0),
            with_losses(wild.clone(), 0, times),
        ];
        promises(&worlds, &experiment)
    };
    let alone = |at: &AtTemperature| promises(std::slice::from_ref(at), &experiment);
    assert_eq!(world(1e6), alone(&calm));
    assert_eq!(world(1e-6), alone(&wild));
    assert!(world(1.0) != alone(&calm) && world(1.0) != alone(&wild));
}

#[test]
fn default_is_measured_against_its_bound() {
    let world = world(0.0, 1.0);
    let experiment = Experiment {
        draws: 100,
        ..experiment(84)
    };
    let clearing = |of: &CertifiedStep| of.promise == Promise::AutoClear && of.alpha == 0.05;
    let of_five = guarantees(&world, &experiment, |all| all.iter().position(clearing)).unwrap();
    let five = of_five.promises.iter();
    let five = five.filter(|row| row.promise == Promise::AutoClear && row.alpha == 0.05);
    let five: Vec<PromiseKept> = five.map(|row| row.guarded).collect();
    assert_eq!(five, [of_five.default]);
    assert!(of_five.default.coverage > 0.0);
    let none = guarantees(&world, &experiment, |_| None).unwrap().default;
    assert_eq!((none.without_promise, none.coverage), (1.0, 0.0));
    guarantees(&world, &experiment, |certified| {
        assert!(
            certified
                .iter()
                .all(|of| of.drawn.trials > 0 && of.cells == 0)
        );
        None
    })
    .unwrap();
}
